using Purser.Server.Platform;

namespace Purser.Server.Catalog;

static class CatalogSetup
{
    /// <summary>Adds <see cref="CurrentCatalog"/>, which whoever starts the server loads before it listens.</summary>
    public static void AddCatalog(this IServiceCollection services, string file)
    {
        services.AddSingleton(provider => new CurrentCatalog(
            file, provider.GetRequiredService<Db>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<Switch>(provider => provider.GetRequiredService<CurrentCatalog>().RoundingMode);
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.Converters.Add(new EntitlementConverter());
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, CatalogJson.Default);
        });
    }
}
