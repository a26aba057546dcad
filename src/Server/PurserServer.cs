using Npgsql;
using Purser.Server.Catalog;
using Purser.Server.Editions;
using Purser.Server.Gateway;
using Purser.Server.Identity;
using Purser.Server.Insight;
using Purser.Server.Ledger;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>The composition of the server, and its table of contents: one line for each slice, twice.</summary>
static class PurserServer
{
    public static async Task<WebApplication> Build(
        Settings settings, string connectionString, Action<IServiceCollection>? replace = null)
    {
        var edition = Edition.Of(settings);
        // Not the folder somebody happens to stand in: an appsettings.json there is none of ours.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(settings.Url);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Bodies.MostRead;
        });
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // While anything listens here, each request makes an activity and a scope that nobody reads.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);

        builder.Services.AddSlices(settings, connectionString, edition);
        edition?.Add(builder.Services);
        replace?.Invoke(builder.Services);

        var app = builder.Build();
        app.Services.GetRequiredService<SwitchBoard>().RequireSense();
        var catalog = app.Services.GetRequiredService<CurrentCatalog>();
        // Side by side: one waits for the database, the other for the compiler.
        await Task.WhenAll(
            Migrator.Migrate(app.Services.GetRequiredService<NpgsqlDataSource>(), CancellationToken.None),
            Task.Run(catalog.Read));
        await catalog.Load(CancellationToken.None);

        app.UsePlatform();
        app.UseKeys();
        app.UseOnce();
        app.MapPlatform();
        app.MapIdentity();
        app.MapCatalog();
        app.MapLedger();
        app.MapPayments();
        app.MapGateway();
        app.MapInsight();
        edition?.Map(app);
        return app;
    }

    /// <summary>The server's parts, without anything being read, opened or started.</summary>
    public static void AddSlices(this IServiceCollection services, Settings settings, string connectionString, Edition? edition = null)
    {
        services.AddPlatform(settings, connectionString);
        services.AddIdentity(settings.Oidc);
        services.AddCatalog(settings.CatalogFile);
        services.AddLedger(connectionString);
        services.AddPayments(settings.Stripe, edition is null ? WebhookRoute.Ordinary : new(edition.WebhookPath));
        services.AddGateway();
        services.AddInsight();
    }
}
