using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Purser.Sandbox.Ai;
using Purser.Sandbox.Ai.Control;
using Purser.Sandbox.Oidc;
using Purser.Sandbox.Stripe.Control;
using Purser.Sandbox.Stripe.Pages;

namespace Purser.Sandbox;

/// <summary>Puts the stand-ins together on one port of this machine.</summary>
static class SandboxServer
{
    const int RequestLineMax = 16 << 10;
    const int BodyMax = 1 << 20;

    public static async Task<int> Run(SandboxSettings settings)
    {
        try
        {
            await using var app = Build(settings, TimeProvider.System);
            if (settings.Lifeline) EndWithStandardInput(app.Lifetime);
            await app.RunAsync();
            return 0;
        }
        catch (IOException failure) when (failure.InnerException is AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"sandbox: port {settings.Port} is in use; set PURSER_SANDBOX_PORT to another");
            return 1;
        }
        catch (Exception failure) when (failure is SocketException or UnauthorizedAccessException or IOException)
        {
            await Console.Error.WriteLineAsync($"sandbox: {failure.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
    }

    public static WebApplication Build(SandboxSettings settings, TimeProvider time)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, settings.Port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestLineSize = RequestLineMax;
            kestrel.Limits.MaxRequestBodySize = BodyMax;
        });
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton(_ => new Accounts(Path.Combine(settings.DataFolder, "stripe"), time));
        builder.Services.AddSingleton(StripeRoutes.All());
        builder.Services.AddSingleton(StripeRoutes.Timers());
        builder.Services.AddSingleton<Faults>();
        builder.Services.AddSingleton<Timeline>();
        builder.Services.AddSingleton<Deliveries>();
        builder.Services.AddSingleton<StripeApi>();
        builder.Services.AddSingleton<Controls>();
        builder.Services.AddSingleton<Browser>();
        builder.Services.AddAi();
        builder.Services.AddHostedService(s => s.GetRequiredService<Timeline>());
        builder.Services.AddHostedService(s => s.GetRequiredService<Deliveries>());

        var app = builder.Build();
        app.Services.GetRequiredService<Accounts>().OpenAll();
        var api = app.Services.GetRequiredService<StripeApi>();
        app.Map("/v1/{**path}", api.Handle);
        app.Services.GetRequiredService<Controls>().Map(app);
        app.MapAi();
        app.MapOidc(new(Path.Combine(settings.DataFolder, "oidc")), time);
        app.MapPost("/control/reset", (Accounts accounts, AiControls ai) =>
        {
            accounts.Reset();
            ai.Reset();
            return Results.Json(new { reset = true });
        });
        var browser = app.Services.GetRequiredService<Browser>();
        PayPage.Map(app, browser);
        ChallengePage.Map(app, browser);
        InvoicePage.Map(app, browser);
        PortalPage.Map(app, browser);
        return app;
    }

    // Whoever started the sandbox holds the other end; when that process dies, however it dies, the end is read here.
    static void EndWithStandardInput(IHostApplicationLifetime lifetime) => _ = Task.Run(async () =>
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[64];
        while (await input.ReadAsync(buffer) > 0)
        {
        }
        lifetime.StopApplication();
    });
}
