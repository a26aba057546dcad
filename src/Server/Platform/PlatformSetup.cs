using Npgsql;

namespace Purser.Server.Platform;

static class PlatformSetup
{
    public static void AddPlatform(this IServiceCollection services, Settings settings, string connectionString)
    {
        services.AddSingleton(settings);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "purser",
            MaxPoolSize = 20,
            MaxAutoPrepare = 50,
            // Nothing of ours outlives its transaction on a connection, so there is nothing to discard.
            NoResetOnClose = true,
        }));
        services.AddSingleton<Db>();
        services.AddSingleton(provider => new HealthCheck("database", async ct =>
            await provider.GetRequiredService<Db>().One($"select 1", row => row.GetInt32(0).ToString(null, null), ct) is not null));
        services.AddSingleton(provider => new HealthCheck("migrations", ct =>
            Migrator.IsUpToDate(provider.GetRequiredService<Db>(), ct)));
        services.AddSingleton<SwitchBoard>();
        services.AddHostedService(provider => provider.GetRequiredService<SwitchBoard>());
        services.AddSingleton<Jobs>();
        services.AddHostedService(provider => provider.GetRequiredService<Jobs>());
        services.AddSingleton<Redis>();
        services.AddHostedService(provider => provider.GetRequiredService<Redis>());
        services.ConfigureHttpJsonOptions(options => Json.Configure(options.SerializerOptions));
        // What cannot be bound is explained by the one handler, not by an empty 400.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddBrowserRoutes(settings.Origins);
        services.AddServerMetrics();
        services.AddApiDescription();
    }

    public static void UsePlatform(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            http.TraceIdentifier = RequestIds.Next();
            http.Response.Headers["X-Request-Id"] = http.TraceIdentifier;
            return next(http);
        });
        app.UseErrors();
        app.UseRouting();
        app.UseBrowserRoutes();
        app.UseBodyLimit();
    }

    public static void MapPlatform(this WebApplication app)
    {
        app.MapHealth();
        app.MapMetrics();
        app.MapApiDescription();
    }
}
