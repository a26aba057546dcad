using System.Text;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>How a call goes: what is asked, what its caller is answered, and what it is settled as.</summary>
/// <param name="State">As the list of calls has it.</param>
/// <param name="Output">Tokens of answer that are charged.</param>
sealed record Course(string Path, string Body, int Status, string State, decimal Charged, int Output)
{
    /// <summary>The provider told nothing, or not all: the prompt is guessed by its length, the answer by what came of it.</summary>
    public bool Estimated { get; init; }

    /// <summary>What the provider has on record, one for each time it was asked.</summary>
    public string Served { get; init; } = "finished";

    /// <summary>Whether the provider tells less than it has used.</summary>
    public bool Understated { get; init; }
}

/// <summary>
/// Every way to go that we know of, by its name. A prompt has eight tokens at a credit each, an answer twenty: at two
/// credits, at Anthropic five; and the call itself costs one.
/// </summary>
static class Courses
{
    public static IReadOnlyDictionary<string, Course> All { get; } = new Dictionary<string, Course>
    {
        ["an answer"] = Exact(Chat, Ask(), 49),
        ["a stream"] = Exact(Chat, Stream(), 49),
        ["a stream with usage"] = Exact(Chat, Stream(more: ""","stream_options":{"include_usage":true}"""), 49),
        ["a stream that shall have no usage"] = Exact(Chat, Stream(more: ""","stream_options":{"include_usage":false}"""), 49),
        ["a stream with null options"] = Exact(Chat, Stream(more: ""","stream_options":null"""), 49),
        ["an answer cut by its limit"] = Exact(Chat, Ask(more: ""","max_tokens":5"""), 1 + 8 + 10, 5),
        ["three answers at once"] = Exact(Chat, Ask(more: ""","n":3"""), 1 + 8 + 120, 60),
        ["an answer without usage"] = Guessed(Chat, Ask("gpt-4o-mini@no-usage"), "finished", 20),
        ["a stream without usage"] = Guessed(Chat, Stream("gpt-4o-mini@no-usage"), "finished", 20),
        ["an answer with null usage"] = Guessed(Chat, Ask("gpt-4o-mini@usage-null"), "finished", 20),
        ["a stream with null usage"] = Guessed(Chat, Stream("gpt-4o-mini@usage-null"), "finished", 20),
        ["an answer with zero usage"] = Exact(Chat, Ask("gpt-4o-mini@usage-zero"), 1, 0) with { Understated = true },
        ["a stream with zero usage"] = Exact(Chat, Stream("gpt-4o-mini@usage-zero"), 1, 0) with { Understated = true },
        ["a stream with usage in every chunk"] = Exact(Chat, Stream("gpt-4o-mini@usage-every-chunk"), 49),
        ["a stream with usage in its last choice"] = Exact(Chat, Stream("gpt-4o-mini@usage-last-choice"), 49),
        ["a stream that is cut"] = Guessed(Chat, Stream("gpt-4o-mini@cut:3"), "provider_failed", 3) with { Served = "cut" },
        ["a stream with usage in every chunk that is cut"] =
            new(Chat, Stream("gpt-4o-mini@usage-every-chunk@cut:3"), 200, "provider_failed", 1 + 8 + 6, 3) { Estimated = true, Served = "cut" },
        ["a stream that is cut before it says anything"] = Nothing(Chat, Stream("gpt-4o-mini@cut:0"), 200, "provider_failed", "cut"),
        ["a stream that ends early"] = Guessed(Chat, Stream("gpt-4o-mini@truncate:3"), "provider_failed", 3) with { Served = "cut" },
        ["a stream that ends before it says anything"] = Nothing(Chat, Stream("gpt-4o-mini@truncate:0"), 200, "provider_failed", "cut"),
        ["a stream with an error in it"] =
            Guessed(Chat, Stream("gpt-4o-mini@error-mid-stream:3"), "provider_failed", 3) with { Served = "failed" },
        ["a stream that is nothing but an error"] =
            Nothing(Chat, Stream("gpt-4o-mini@error-mid-stream:0"), 200, "provider_failed", "failed"),
        ["an answer that is cut, twice"] = Nothing(Chat, Ask("gpt-4o-mini@cut:0"), 502, "provider_silent", "cut cut") with { Understated = true },
        ["an error of the caller"] = Nothing(Chat, Ask("gpt-4o-mini@error:400"), 400, "provider_refused", "refused"),
        ["an error of the caller of a stream"] = Nothing(Chat, Stream("gpt-4o-mini@error:400"), 400, "provider_refused", "refused"),
        ["a key of ours that is refused"] = Nothing(Chat, Ask("gpt-4o-mini@error:401"), 502, "provider_refused", "refused"),
        ["a model that we may not use"] = Nothing(Chat, Ask("gpt-4o-mini@error:403"), 502, "provider_refused", "refused"),
        ["an account of ours that is empty"] =
            Nothing(Chat, Ask("gpt-4o-mini@error:insufficient_quota"), 503, "provider_refused", "refused"),
        ["a provider that is asked too often"] = Nothing(Chat, Ask("gpt-4o-mini@error:429"), 429, "provider_refused", "refused"),
        ["an error of the provider, twice"] = Nothing(Chat, Ask("gpt-4o-mini@error:500"), 500, "provider_refused", "refused refused"),
        ["an error of the provider of a stream, twice"] =
            Nothing(Chat, Stream("gpt-4o-mini@error:503"), 503, "provider_refused", "refused refused"),
        ["a message"] = Exact(Messages, Message(), 109),
        ["a message in a stream"] = Exact(Messages, Message(more: ""","stream":true"""), 109),
        ["a message without usage"] = Guessed(Messages, Message("claude-sonnet-5-5@no-usage"), "finished", 20),
        ["a message in a stream without usage"] =
            Guessed(Messages, Message("claude-sonnet-5-5@no-usage", ""","stream":true"""), "finished", 20),
        ["a message with null usage"] = Guessed(Messages, Message("claude-sonnet-5-5@usage-null"), "finished", 20),
        ["a message in a stream with zero usage"] =
            Exact(Messages, Message("claude-sonnet-5-5@usage-zero", ""","stream":true"""), 1, 0) with { Understated = true },
        ["a message in a stream that is cut"] =
            Told(Message("claude-sonnet-5-5@cut:3", ""","stream":true"""), "cut"),
        ["a message in a stream that ends early"] =
            Told(Message("claude-sonnet-5-5@truncate:3", ""","stream":true"""), "cut"),
        ["a message in a stream with an error in it"] =
            Told(Message("claude-sonnet-5-5@error-mid-stream:3", ""","stream":true"""), "failed"),
        ["a message in a stream that is cut before it says anything"] =
            Nothing(Messages, Message("claude-sonnet-5-5@cut:0", ""","stream":true"""), 200, "provider_failed", "cut"),
        ["a message in a stream that is nothing but an error"] =
            Nothing(Messages, Message("claude-sonnet-5-5@error-mid-stream:0", ""","stream":true"""), 200, "provider_failed", "failed"),
        ["a message of a provider that is overloaded, twice"] =
            Nothing(Messages, Message("claude-sonnet-5-5@error:529"), 529, "provider_refused", "refused refused"),
        ["a message with an error of the caller"] =
            Nothing(Messages, Message("claude-sonnet-5-5@error:400"), 400, "provider_refused", "refused"),
        ["a message from an account of ours that is empty"] =
            Nothing(Messages, Message("claude-sonnet-5-5@error:insufficient_quota"), 503, "provider_refused", "refused"),
        ["a response"] = Exact(Responses, Response(), 49),
        ["a response in a stream"] = Exact(Responses, Response(more: ""","stream":true"""), 49),
        ["a response cut by its limit"] = Exact(Responses, Response(more: ""","max_output_tokens":16,"stream":true"""), 1 + 8 + 32, 16),
        ["a response without usage"] = Guessed(Responses, Response("gpt-4.1-mini@no-usage"), "finished", 20),
        ["a response in a stream with null usage"] =
            Guessed(Responses, Response("gpt-4.1-mini@usage-null", ""","stream":true"""), "finished", 20),
        ["a response in a stream with zero usage"] =
            Exact(Responses, Response("gpt-4.1-mini@usage-zero", ""","stream":true"""), 1, 0) with { Understated = true },
        ["a response in a stream that is cut"] =
            Guessed(Responses, Response("gpt-4.1-mini@cut:3", ""","stream":true"""), "provider_failed", 3) with { Served = "cut" },
        ["a response in a stream that ends early"] =
            Guessed(Responses, Response("gpt-4.1-mini@truncate:3", ""","stream":true"""), "provider_failed", 3) with { Served = "cut" },
        ["a response in a stream with an error in it"] =
            Guessed(Responses, Response("gpt-4.1-mini@error-mid-stream:3", ""","stream":true"""), "provider_failed", 3) with { Served = "failed" },
        ["a response in a stream that is cut before it says anything"] =
            Nothing(Responses, Response("gpt-4.1-mini@cut:0", ""","stream":true"""), 200, "provider_failed", "cut"),
        ["an embedding"] = new(Embeddings, Embed(), 200, "finished", 1 + 2, 0),
        ["an embedding without usage"] = Guessed(Embeddings, Embed("text-embedding-3-small@no-usage"), "finished", 0),
        ["an embedding that fails, twice"] =
            Nothing(Embeddings, Embed("text-embedding-3-small@error:500"), 500, "provider_refused", "refused refused"),
        ["a picture"] = new(Images, Picture(), 200, "finished", 1 + 2 + 1056, 1056),
        ["a picture in a stream"] = new(Images, Picture(more: ""","stream":true,"partial_images":2"""), 200, "finished", 1 + 2 + 1256, 1256),
        ["two pictures by the piece"] = new(Images, Picture("dall-e-3", ""","n":2"""), 200, "finished", 1 + 80, 0),
        ["two pictures by the piece, in the answer"] =
            new(Images, Picture("dall-e-3", ""","n":2,"response_format":"b64_json" """), 200, "finished", 1 + 80, 0),
        ["a model of a provider that thinks beside its answer"] = Exact(Chat, Ask("grok-4"), 1 + 8 + 40 + 192, 84),
        ["the same where thoughts have no price of their own"] = Exact(Chat, Ask("gemini-2.5-flash"), 1 + 8 + 84 * 4, 84),
        ["a stream of a provider that tells its usage unasked"] = Exact(Chat, Stream("mistral-large-2512"), 49),
        ["a stream of a provider that tells its usage twice"] = Exact(Chat, Stream("llama-3.3-70b-versatile"), 49),
        ["an answer with thoughts"] = Exact(Chat, Ask("gpt-5-mini"), 1 + 8 + 40 + 192, 84),
        ["an answer of which a part was cached"] = Exact(Chat, Ask("gpt-4o-mini@cached:5"), 1 + 3 + 2.5m + 40),
        ["an answer of a provider with its own names for what was cached"] =
            Exact(Chat, Ask("deepseek-v4-pro@cached:5"), 1 + 3 + 0.5m + 168, 84),
    };

    static string Embed(string model = "text-embedding-3-small") => $$"""{"model":"{{model}}","input":"Hello"}""";

    static string Picture(string model = "gpt-image-1", string more = "") => $$"""{"model":"{{model}}","prompt":"A sea"{{more}}}""";

    static Course Exact(string path, string body, decimal charged, int output = 20) => new(path, body, 200, "finished", charged, output);

    static Course Guessed(string path, string body, string state, int output) =>
        new(path, body, 200, state, 1 + ((Encoding.UTF8.GetByteCount(body) + 3) / 4) + (output * (path == Messages ? 5 : 2)), output)
        {
            Estimated = true,
        };

    // Anthropic says at the start what the prompt was.
    static Course Told(string body, string served) =>
        new(Messages, body, 200, "provider_failed", 1 + 8 + 15, 3) { Estimated = true, Served = served };

    static Course Nothing(string path, string body, int status, string state, string served) =>
        new(path, body, status, state, 0, 0) { Served = served };
}
