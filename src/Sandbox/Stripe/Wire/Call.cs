namespace Purser.Sandbox.Stripe.Wire;

delegate JsonObject Handler(Call call);

/// <summary>One request to the API, checked and typed: what a handler works with.</summary>
sealed class Call(Tx tx, JsonObject parameters, string[] ids, string path, ApiVersion version)
{
    public Tx Tx => tx;
    public JsonObject P => parameters;
    public string Path => path;
    public ApiVersion Version => version;

    /// <summary>The id in the path.</summary>
    public string Id => ids[0];

    public string SecondId => ids[1];

    /// <summary>The object that the path names, or Stripe's 404.</summary>
    public JsonObject Named(string kind, string what, string param = "id") =>
        tx.Find(kind, Id) ?? throw StripeError.Missing(what, Id, param, inPath: true);

    /// <summary>The object that a parameter names, or Stripe's 400; null where the parameter is not given.</summary>
    public JsonObject? Referred(string kind, string what, string param)
    {
        if (parameters.Text(param) is not { Length: > 0 } id) return null;
        var found = tx.Find(kind, id);
        return found is null || found.Flag("deleted") ? throw StripeError.Missing(what, id, param, inPath: false)
            : found;
    }

    public JsonObject Required(string kind, string what, string param) =>
        Referred(kind, what, param) ?? throw StripeError.MissingParam(param);
}
