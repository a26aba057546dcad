namespace Purser.Core.Payments;

/// <summary>When and how much a customer lets Purser buy without being asked.</summary>
public sealed record RechargeTerms(Credits Threshold, int DailyMaxOrders, long MonthlyMaxMinor, bool Enabled);

/// <param name="OrdersToday">Since midnight UTC, those included that failed.</param>
/// <param name="MinorThisMonth">Bought since the first of the month, and under way.</param>
/// <param name="Failures">In a row.</param>
public sealed record RechargeFacts(
    Credits Available, bool InFlight, int OrdersToday, long MinorThisMonth, int Failures, DateTimeOffset? LastFailureAt);

public enum RechargeDecision
{
    Buy,
    SwitchedOff,
    Enough,
    InFlight,
    BackingOff,
    DailyCeiling,
    MonthlyCeiling,
}

public static class AutoRecharge
{
    /// <summary>So many declines in a row, and it is switched off until somebody switches it on again.</summary>
    public const int MostFailures = 3;

    static readonly TimeSpan[] Pauses = [TimeSpan.FromHours(1), TimeSpan.FromHours(4)];

    public static RechargeDecision Decide(RechargeTerms terms, RechargeFacts facts, long priceMinor, DateTimeOffset now)
    {
        if (!terms.Enabled || facts.Failures >= MostFailures) return RechargeDecision.SwitchedOff;
        if (facts.Available >= terms.Threshold) return RechargeDecision.Enough;
        if (facts.InFlight) return RechargeDecision.InFlight;
        if (facts.Failures > 0 && facts.LastFailureAt is { } last && now < last + Pauses[facts.Failures - 1]) return RechargeDecision.BackingOff;
        if (facts.OrdersToday >= terms.DailyMaxOrders) return RechargeDecision.DailyCeiling;
        return facts.MinorThisMonth + priceMinor > terms.MonthlyMaxMinor ? RechargeDecision.MonthlyCeiling : RechargeDecision.Buy;
    }

    /// <summary>How long a payment that is under way is left alone.</summary>
    public static readonly TimeSpan WhileInFlight = TimeSpan.FromSeconds(10);

    /// <summary>Before this it would be decided the same way, however low the balance.</summary>
    public static DateTimeOffset NotBefore(RechargeDecision decision, RechargeFacts facts, DateTimeOffset now) => decision switch
    {
        RechargeDecision.BackingOff => facts.LastFailureAt!.Value + Pauses[facts.Failures - 1],
        RechargeDecision.DailyCeiling => new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero).AddDays(1),
        RechargeDecision.MonthlyCeiling => new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1),
        RechargeDecision.InFlight => now + WhileInFlight,
        RechargeDecision.Buy or RechargeDecision.SwitchedOff or RechargeDecision.Enough => now,
    };

    /// <summary>A decline that will not pass by itself: only the customer can do something about it.</summary>
    public static bool SwitchesOff(string code) => code
        is "authentication_required" or "no_payment_method" or "expired_card" or "lost_card" or "stolen_card" or "pickup_card";
}
