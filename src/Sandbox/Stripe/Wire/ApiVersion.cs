namespace Purser.Sandbox.Stripe.Wire;

/// <summary>A version of the API: a date, and since basil a name. Versions compare by date.</summary>
sealed record ApiVersion(string Name)
{
    static readonly string[] Trains = ["acacia", "basil", "clover", "dahlia", "endive"];

    public static readonly ApiVersion Current = new(ApiSpec.Version);

    public bool BeforeBasil => string.CompareOrdinal(Name, "2025-03-31") < 0;
    public bool BeforeClover => string.CompareOrdinal(Name, "2025-09-30") < 0;
    public bool BeforeDahlia => string.CompareOrdinal(Name, "2026-03-25") < 0;
    public bool BeforeEndive => string.CompareOrdinal(Name, "2026-09-30") < 0;

    public static ApiVersion? Parse(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var date = dot < 0 ? name : name[..dot];
        var known = DateOnly.TryParseExact(date, "yyyy-MM-dd", out var day) && day.Year >= 2011 &&
            string.CompareOrdinal(date, ApiSpec.Version[..10]) <= 0 && (dot < 0 || Trains.Contains(name[(dot + 1)..]));
        return known ? new(name) : null;
    }

    public static ApiVersion Required(string name) => Parse(name) ??
        throw StripeError.Invalid($"Invalid Stripe API version: {name}. You do not have permission to pass this version.");
}
