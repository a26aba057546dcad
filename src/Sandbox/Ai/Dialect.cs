using System.Text.Json;

namespace Purser.Sandbox.Ai;

/// <summary>
/// What all answers of one API have in common: their headers, who is let in, and how a refusal reads.
/// </summary>
abstract class Dialect
{
    public abstract string Name { get; }

    public abstract void WriteHeaders(AiCall call, IHeaderDictionary headers);

    public abstract void Admit(AiCall call);

    public abstract bool Serves(string model);

    public abstract AiError UnknownModel(string model);

    public abstract AiError UnknownRoute(HttpRequest request);

    public abstract AiError NotJson();

    public abstract AiError TooLarge();

    /// <summary>The refusal that a behaviour asks for, by status or by name.</summary>
    public abstract AiError Steered(string error, string model);

    public abstract void Write(Utf8JsonWriter json, AiError error, string requestId);
}
