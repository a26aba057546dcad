using Purser.Server.Platform;

namespace Purser.Server.Identity;

static class IdentitySetup
{
    public static void AddIdentity(this IServiceCollection services, OidcAccess? oidc)
    {
        services.AddSingleton<KeyRing>();
        if (oidc is not null) services.AddSingleton(oidc).AddSingleton<Issuer>();
        services.AddSingleton<Users>();
        services.AddSingleton<AuditLog>();
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Add(IdentityJson.Default));
    }

    public static void MapIdentity(this IEndpointRouteBuilder routes)
    {
        routes.MapCustomers();
        routes.MapServerKeys();
        routes.MapSwitches();
        routes.MapAudit();
    }
}
