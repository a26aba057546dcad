using System.Text.Json;

namespace Purser.Sandbox.Stripe.Control;

/// <summary>
/// Failures made to order, one per coming request of an account: they hit at the points where networks and servers
/// really fail, before, during and after the work.
/// </summary>
sealed class Faults(TimeProvider time)
{
    const int QueuedMax = 10_000;
    static readonly TimeSpan HangMax = TimeSpan.FromSeconds(120);

    public static readonly IReadOnlyList<string> All =
        ["lock_timeout_should_retry", "rate_limit", "error_500_no_retry", "drop_after_commit", "timeout"];

    public static void Add(Account account, string kind, long count)
    {
        if (!All.Contains(kind))
        {
            throw StripeError.Invalid($"Invalid kind: must be one of {string.Join(", ", All)}", "kind");
        }
        lock (account.Faults)
        {
            if (count < 1 || account.Faults.Count + count > QueuedMax)
            {
                throw StripeError.Invalid($"Invalid integer: {count}", "count");
            }
            for (var i = 0L; i < count; i++) account.Faults.Enqueue(kind);
        }
    }

    public static string? Next(Account account)
    {
        lock (account.Faults) return account.Faults.TryDequeue(out var kind) ? kind : null;
    }

    /// <summary>
    /// A 429 comes before the idempotency layer: nothing is remembered, the same key may be sent again.
    /// </summary>
    public static async Task<bool> BeforeExecution(string? fault, HttpContext http)
    {
        switch (fault)
        {
            case "lock_timeout_should_retry":
                http.Response.Headers["Stripe-Should-Retry"] = "true";
                await Refuse(http, 429, "invalid_request_error", "lock_timeout",
                    "This object cannot be accessed right now because another API request or Stripe process is currently accessing "
                    + "it. If you see this error intermittently, retry the request.");
                return true;
            case "rate_limit":
                http.Response.Headers["Stripe-Rate-Limited-Reason"] = "global-rate";
                await Refuse(http, 429, "invalid_request_error", "rate_limit",
                    "Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits.");
                return true;
            case "error_500_no_retry":
                http.Response.Headers["Stripe-Should-Retry"] = "false";
                await Refuse(http, 500, "api_error", null, "An unknown error occurred");
                return true;
            default:
                return false;
        }
    }

    /// <summary>A request that hangs keeps its idempotency key in use until the caller gives up.</summary>
    public async Task<bool> WhileExecuting(string? fault, HttpContext http)
    {
        if (fault != "timeout") return false;
        try
        {
            await Task.Delay(HangMax, time, http.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The caller gave up, which is what was asked for.
        }
        http.Abort();
        return true;
    }

    /// <summary>The work is done and lasts, but its caller never learns.</summary>
    public static bool AfterExecution(string? fault, HttpContext http)
    {
        if (fault != "drop_after_commit") return false;
        http.Abort();
        return true;
    }

    static async Task Refuse(HttpContext http, int status, string type, string? code, string message)
    {
        var error = new StripeError(status, type, message) { Code = code };
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        var body = JsonSerializer.SerializeToUtf8Bytes(error.Body(http.Response.Headers["Request-Id"].ToString()),
            Json.Plain);
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }
}
