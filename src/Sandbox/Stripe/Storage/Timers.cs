namespace Purser.Sandbox.Stripe.Storage;

/// <summary>
/// Named moments at which something is to be done with an object; kept on the object, so they last as it does.
/// </summary>
static class Timers
{
    public static void SetTimer(this JsonObject body, string name, long at) => body.Under("_timers")[name] = at;

    public static void ClearTimer(this JsonObject body, string name) => body.Child("_timers")?.Remove(name);

    public static void ClearTimers(this JsonObject body) => body.Remove("_timers");

    public static long? TimerAt(this JsonObject body, string name) => body.Child("_timers")?.MaybeNumber(name);
}
