using System.Text;
using System.Text.RegularExpressions;
using Purser.Server.Gateway.Providers;

namespace Purser.Server.Gateway;

/// <summary>What a caller is told of a provider's refusal.</summary>
static partial class ProviderErrors
{
    // OpenAI's codes for an account, ours, that has run dry.
    static readonly string[] OutOfCredit =
    [
        "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded", "Your credit balance is too low",
    ];

    /// <summary>Between the provider and us: its text would send the caller after keys and bills that are not his.</summary>
    public static GatewayError? AboutUs(Upstream upstream, string? ownKey, Reached.Refused refused)
    {
        var provider = upstream.Facts.Name;
        // It sends us elsewhere, where we do not go with a key; and such an answer may not have a body.
        if (refused.Status < StatusCodes.Status400BadRequest)
            return new(StatusCodes.Status502BadGateway, "provider_failed", $"{provider} answered with {refused.Status}, which is no answer.");
        if (ownKey is not null) return null;

        if (refused.Status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden)
            return new(StatusCodes.Status502BadGateway, "provider_refused_us", $"{provider} does not accept the key of this server.");
        if (refused.Status == StatusCodes.Status402PaymentRequired || IsOutOfCredit(refused))
        {
            return new(StatusCodes.Status503ServiceUnavailable, GatewayError.OutOfCredit, $"The account of this server at {provider} is out of credit.")
            {
                RetryAfterSeconds = 60,
            };
        }

        return null;
    }

    /// <summary>Between the provider and the caller, who is told what it says.</summary>
    /// <param name="ownKey">The customer's own key, where it was called with that: then the account is the customer's too.</param>
    public static GatewayError AboutTheCall(Upstream upstream, string? ownKey, Reached.Refused refused) =>
        new(refused.Status, "provider_refused", $"{upstream.Facts.Name} answered with {refused.Status}.")
        {
            RetryAfterSeconds = refused.RetryAfter is { } wait ? (int)Math.Min(Math.Ceiling(wait.TotalSeconds), int.MaxValue) : null,
            Theirs = new(refused.ContentType, Without(refused.Body, ownKey ?? upstream.Key, isOurAccount: ownKey is null)),
        };

    static bool IsOutOfCredit(Reached.Refused refused)
    {
        if (refused.Status is not (StatusCodes.Status400BadRequest or StatusCodes.Status429TooManyRequests)) return false;

        var text = Encoding.UTF8.GetString(refused.Body);
        return OutOfCredit.Any(code => text.Contains(code, StringComparison.Ordinal));
    }

    static byte[] Without(byte[] body, string? key, bool isOurAccount)
    {
        var text = Encoding.UTF8.GetString(body);
        var told = key is null ? text : text.Replace(key, "[key]", StringComparison.Ordinal);
        if (isOurAccount) told = Account().Replace(told, "[account]");
        return ReferenceEquals(told, text) ? body : Encoding.UTF8.GetBytes(told);
    }

    // OpenAI's organizations and projects, and Anthropic's organizations.
    [GeneratedRegex("""\b(org-|proj_)[A-Za-z0-9_-]+|(?<=\borganization \(?)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}""")]
    private static partial Regex Account();
}
