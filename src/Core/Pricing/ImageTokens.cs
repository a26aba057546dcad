namespace Purser.Core.Pricing;

static class ImageTokens
{
    public static long MostOf(string provider) => provider switch
    {
        "anthropic" => 5_000,
        _ => 50_000,
    };
}
