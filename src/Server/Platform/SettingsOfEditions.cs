namespace Purser.Server.Platform;

/// <summary>Whose tokens name the product's users.</summary>
/// <param name="Audience">Whom the tokens are meant for: this server, by the name it has there.</param>
/// <param name="AdminClaims">What a token has to say of its bearer, all of it, to be an administrator's.</param>
sealed record OidcAccess(string Issuer, string Audience, IReadOnlyList<(string Name, string Value)> AdminClaims);

/// <summary>Tokens of a user and of an administrator, to try a server out with.</summary>
sealed record SmokeTokens(string? User, string? Admin);

/// <summary>What the environment says of the edition: whose users it serves, and from which pages.</summary>
sealed partial record Settings
{
    sealed partial class Reading
    {
        OidcAccess? Oidc()
        {
            var admin = AdminClaims();
            if (Get("PURSER_OIDC_ISSUER") is { } issuer)
            {
                if (!IsIssuer(issuer)) faults.Add("PURSER_OIDC_ISSUER must be an http:// or https:// address without a query.");
                if (Get("PURSER_OIDC_AUDIENCE") is not { } audience)
                {
                    faults.Add("PURSER_OIDC_AUDIENCE is not set: name what the issuer's tokens for this server have in their claim aud.");
                    return null;
                }

                return new(issuer, audience, admin);
            }

            return mode == Mode.Development
                ? new(new Uri(SandboxAt(sandboxPort), "/oidc").AbsoluteUri, Get("PURSER_OIDC_AUDIENCE") ?? "purser", admin)
                : null;
        }

        static bool IsIssuer(string text) =>
            Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            && address.Query.Length == 0 && address.Fragment.Length == 0;

        List<(string, string)> AdminClaims()
        {
            var claims = new List<(string, string)>();
            foreach (var claim in (Get("PURSER_OIDC_ADMIN_CLAIM") ?? "role=admin").Split(',', StringSplitOptions.TrimEntries))
            {
                var at = claim.IndexOf('=');
                if (at > 0 && at < claim.Length - 1) claims.Add((claim[..at], claim[(at + 1)..]));
                else faults.Add("PURSER_OIDC_ADMIN_CLAIM must be a claim and its value, such as role=admin; several with commas between them.");
            }

            return claims;
        }

        List<string> Origins()
        {
            var given = Get("PURSER_ALLOWED_ORIGINS") ?? (mode == Mode.Development ? "http://localhost:3000" : "");
            var origins = new List<string>();
            foreach (var text in given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                // As browsers write it: in lower case, without a path, and without the port that goes without saying.
                var isOrigin = Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
                    && text.TrimEnd('/').Equals(address.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase);
                if (isOrigin) origins.Add(address!.GetLeftPart(UriPartial.Authority));
                else faults.Add($"PURSER_ALLOWED_ORIGINS: {text} is no origin such as https://app.example.com.");
            }

            return origins;
        }

        void RequireWhatAnEditionNeeds(Settings settings)
        {
            if (Get("PURSER_OIDC_ISSUER") is { } issuer && Uri.TryCreate(issuer, UriKind.Absolute, out var address))
            {
                if (address.IsLoopback && address.Port == sandboxPort)
                    faults.Add("PURSER_OIDC_ISSUER is the sandbox's address, which a production server refuses: anybody gets a token there.");
                else if (address.Scheme != "https")
                    faults.Add("PURSER_OIDC_ISSUER must be an https:// address in production: who can change its keys on the way is everybody.");
            }

            foreach (var origin in settings.Origins.Where(origin => !origin.StartsWith("https://", StringComparison.Ordinal)))
                faults.Add($"PURSER_ALLOWED_ORIGINS: {origin} must begin with https:// in production.");
            if (settings.Edition is null) return;

            if (Get("PURSER_OIDC_ISSUER") is null)
                faults.Add("PURSER_OIDC_ISSUER is not set, and an edition is: name the issuer of its users' tokens.");
            if (settings.Origins.Count == 0)
                faults.Add("PURSER_ALLOWED_ORIGINS is not set, and an edition is: name the origins of its pages.");
        }
    }
}
