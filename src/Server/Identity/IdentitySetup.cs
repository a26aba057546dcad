namespace Purser.Server.Identity;

static class IdentitySetup
{
    public static void AddIdentity(this IServiceCollection services)
    {
        services.AddSingleton<KeyRing>();
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(IdentityJson.Default));
    }

    public static void MapIdentity(this IEndpointRouteBuilder routes)
    {
        routes.MapCustomers();
        routes.MapServerKeys();
    }
}
