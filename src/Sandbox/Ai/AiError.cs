namespace Purser.Sandbox.Ai;

/// <summary>A refusal as a provider words it; the dialect gives it its form.</summary>
sealed class AiError(int status, string type, string message) : Exception(message)
{
    public int Status => status;
    public string Type => type;
    public string? Code { get; init; }
    public string? Param { get; init; }
    public string? RetryAfter { get; set; }
}
