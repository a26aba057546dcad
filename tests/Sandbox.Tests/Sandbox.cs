using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Sandbox.Stripe.Storage;
using Purser.Sandbox.Tests;

[assembly: AssemblyFixture(typeof(Sandbox))]

namespace Purser.Sandbox.Tests;

/// <summary>
/// One sandbox in this process for all tests; each test brings a key and so has an account to itself.
/// </summary>
public sealed class Sandbox : IAsyncLifetime
{
    readonly string folder = Directory.CreateTempSubdirectory("sandbox-tests").FullName;
    WebApplication? app;

    public Uri Url { get; private set; } = new("http://127.0.0.1");

    internal Accounts Accounts => app!.Services.GetRequiredService<Accounts>();

    public async ValueTask InitializeAsync()
    {
        app = SandboxServer.Build(new(0, folder, Lifeline: false), TimeProvider.System);
        await app.StartAsync();
        Url = new(app.Urls.First());
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    public static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    public static string NewKey() => $"sk_test_{Guid.CreateVersion7():N}";
}
