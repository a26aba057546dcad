namespace Purser.Core.Pricing;

/// <summary>The most tokens that a picture in a prompt takes, where the catalog does not say it of its model.</summary>
static class ImageTokens
{
    // Anthropic scales pictures down until they fit 4,784 tokens. Of the others gpt-4o-mini takes most: 2,833, and 5,667 for
    // each of eight tiles.
    public static long MostOf(string provider) => provider switch
    {
        "anthropic" => 5_000,
        _ => 50_000,
    };
}
