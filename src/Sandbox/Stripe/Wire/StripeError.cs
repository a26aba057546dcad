namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// An answer that is an error, in the form Stripe gives it. Keep: what was written before it stays written.
/// </summary>
sealed class StripeError(int status, string type, string message) : Exception(message)
{
    public int Status => status;
    public string Type => type;
    public string? Code { get; init; }
    public string? Param { get; init; }
    public string? DeclineCode { get; init; }
    public string? AdviceCode { get; init; }
    public string? Charge { get; init; }
    public string? PaymentMethodType { get; init; }

    /// <summary>Objects that Stripe embeds: payment_intent, setup_intent, payment_method.</summary>
    public Dictionary<string, JsonObject> Embedded { get; } = [];

    /// <summary>A declined card has already changed the intent, the charge and the event log.</summary>
    public bool Keep { get; init; }

    public static StripeError Invalid(string message, string? param = null, string? code = null, int status = 400) =>
        new(status, "invalid_request_error", message) { Param = param, Code = code };

    public static StripeError Missing(string what, string id, string param, bool inPath) =>
        Invalid($"No such {what}: '{id}'", param, "resource_missing", inPath ? 404 : 400);

    public static StripeError MissingParam(string param) =>
        Invalid($"Missing required param: {param}.", param, "parameter_missing");

    public JsonObject Body(string requestId)
    {
        var error = new JsonObject();
        void Put(string name, string? value)
        {
            if (value is not null) error[name] = value;
        }
        Put("advice_code", AdviceCode);
        Put("charge", Charge);
        Put("code", Code);
        Put("decline_code", DeclineCode);
        if (Code is not null) Put("doc_url", $"https://stripe.com/docs/error-codes/{Code.Replace('_', '-')}");
        Put("message", Message);
        Put("param", Param);
        foreach (var (name, body) in Embedded) error[name] = body.Visible();
        Put("payment_method_type", PaymentMethodType);
        if (type != "api_error" && status != 401)
        {
            Put("request_log_url", $"https://dashboard.stripe.com/test/logs/{requestId}?t=0");
        }
        Put("type", type);
        return new() { ["error"] = error };
    }
}
