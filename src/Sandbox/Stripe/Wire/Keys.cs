using System.Text;

namespace Purser.Sandbox.Stripe.Wire;

/// <summary>Reads the secret key of a request, as bearer or as basic user name.</summary>
static class Keys
{
    public static string Secret(HttpRequest request)
    {
        var key = Sent(request.Headers.Authorization.ToString());
        if (string.IsNullOrEmpty(key))
        {
            throw StripeError.Invalid("You did not provide an API key. You need to provide your API key in the Authorization header, "
                + "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication "
                + "for details, or we can help at https://support.stripe.com/.", status: 401);
        }
        if (key.StartsWith("pk_", StringComparison.Ordinal))
        {
            throw StripeError.Invalid("This API call cannot be made with a publishable API key. Please use a secret API key. You can "
                + "find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                    code: "secret_key_required",
                status: 403);
        }
        var test = (key.StartsWith("sk_test_", StringComparison.Ordinal) ||
            key.StartsWith("rk_test_", StringComparison.Ordinal))
            && key.Length > "sk_test_".Length && key.Length <= 255;
        return test ? key : throw StripeError.Invalid($"Invalid API Key provided: {Masked(key)}", status: 401);
    }

    static string Sent(string header)
    {
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) return header["Bearer ".Length..].Trim();
        if (!header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return "";
        var bytes = new byte[header.Length];
        return Convert.TryFromBase64String(header["Basic ".Length..].Trim(), bytes, out var length)
            ? Encoding.UTF8.GetString(bytes, 0, length).Split(':')[0]
            : "";
    }

    static string Masked(string key) => key.Length > 12 ? $"{key[..8]}{new string('*', key.Length - 12)}{key[^4..]}"
        : "****";
}
