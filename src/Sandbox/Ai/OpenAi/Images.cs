using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>
/// POST /images/generations: the GPT image models count tokens by size and quality, the others only draw.
/// </summary>
static class Images
{
    const int TokensPerPartialImage = 100;
    const int PartialImagesMax = 3;

    /// <summary>The smallest picture there is: one grey dot.</summary>
    static readonly byte[] Picture = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==");

    public static async Task Generate(AiCall call)
    {
        using var body = JsonDocument.Parse(call.Body);
        var root = body.RootElement;
        if (!await call.Begin(OpenAiDialect.ModelOf(root), root.Flag("stream"))) return;
        var prompt = root.Member("prompt") ?? throw OpenAiDialect.Missing("prompt");
        var copies = OpenAiDialect.Copies(root);
        call.Usage.Images = copies;
        if (!CountsTokens(call.BareModel))
        {
            await Draw(call, root, prompt, copies);
            return;
        }
        if (root.Member("response_format") is not null)
        {
            throw OpenAiDialect.Invalid("response_format", "unknown_parameter",
                "Unknown parameter: 'response_format'.");
        }
        var (size, quality) = (Chosen(root, "size", "1024x1024"), Chosen(root, "quality", "medium"));
        call.Usage.Input = Tokens.Of(prompt);
        call.Usage.ImageOutput = copies * TokensOf(size, quality);
        if (call.Streamed) await Stream(call, root, size, quality);
        else await Whole(call, copies, size, quality);
    }

    static bool CountsTokens(string model) => model.StartsWith("gpt-image", StringComparison.Ordinal)
        || model.StartsWith("chatgpt-image", StringComparison.Ordinal);

    static string Chosen(JsonElement body, string name, string usual) =>
        body.Text(name) is { } value and not "auto" ? value : usual;

    static long TokensOf(string size, string quality) => (size, quality) switch
    {
        ("1024x1536", "low") => 408,
        ("1024x1536", "high") => 6240,
        ("1024x1536", _) => 1584,
        ("1536x1024", "low") => 400,
        ("1536x1024", "high") => 6208,
        ("1536x1024", _) => 1568,
        (_, "low") => 272,
        (_, "high") => 4160,
        _ => 1056,
    };

    static async Task Draw(AiCall call, JsonElement body, JsonElement prompt, int copies)
    {
        if (!await call.Produce(1)) return;
        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteNumber("created"u8, call.At.ToUnixTimeSeconds());
        json.WriteStartArray("data"u8);
        for (var i = 0; i < copies; i++)
        {
            json.WriteStartObject();
            if (call.BareModel.StartsWith("dall-e-3", StringComparison.Ordinal))
            {
                json.WritePropertyName("revised_prompt"u8);
                prompt.WriteTo(json);
            }
            if (body.Text("response_format") == "b64_json") json.WriteBase64String("b64_json"u8, Picture);
            else json.WriteString("url"u8, $"http://{call.Http.Request.Host}/openai/images/{call.Id("img-")}{i}.png");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        await call.EndJson(json);
    }

    static async Task Whole(AiCall call, int copies, string size, string quality)
    {
        call.Usage.Output = call.Usage.ImageOutput;
        if (!await call.Produce(1)) return;
        var json = call.BeginJson();
        json.WriteStartObject();
        json.WriteNumber("created"u8, call.At.ToUnixTimeSeconds());
        json.WriteString("background"u8, "opaque"u8);
        json.WriteStartArray("data"u8);
        for (var i = 0; i < copies; i++)
        {
            json.WriteStartObject();
            json.WriteBase64String("b64_json"u8, Picture);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("output_format"u8, "png"u8);
        json.WriteString("quality"u8, quality);
        json.WriteString("size"u8, size);
        call.WriteUsage(json, WriteTokens);
        json.WriteEndObject();
        await call.EndJson(json);
    }

    static async Task Stream(AiCall call, JsonElement body, string size, string quality)
    {
        await using var stream = new EventStream(call, s => WriteError(s, call));
        var partial = Math.Clamp(body.Whole("partial_images") ?? 0, 0, PartialImagesMax);
        var whole = call.Usage.ImageOutput;
        call.Usage.ImageOutput = 0;
        for (var i = 0; i < partial; i++)
        {
            if (!await stream.Next(TokensPerPartialImage)) return;
            call.Usage.ImageOutput += TokensPerPartialImage;
            var json = BeginPicture(stream, call, "image_generation.partial_image"u8, (size, quality));
            json.WriteNumber("partial_image_index"u8, i);
            stream.End();
            if (!await stream.Send()) return;
        }
        if (!await stream.Next(whole)) return;
        call.Usage.ImageOutput += whole;
        var done = BeginPicture(stream, call, "image_generation.completed"u8, (size, quality));
        call.WriteUsage(done, WriteTokens);
        stream.End();
        await stream.Finish();
    }

    static Utf8JsonWriter BeginPicture(EventStream stream, AiCall call, ReadOnlySpan<byte> name,
        (string Size, string Quality) asked)
    {
        var json = stream.Begin(name);
        json.WriteBase64String("b64_json"u8, Picture);
        json.WriteNumber("created_at"u8, call.At.ToUnixTimeSeconds());
        json.WriteString("size"u8, asked.Size);
        json.WriteString("quality"u8, asked.Quality);
        json.WriteString("background"u8, "opaque"u8);
        json.WriteString("output_format"u8, "png"u8);
        return json;
    }

    static void WriteTokens(Utf8JsonWriter json, Usage usage)
    {
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteStartObject("input_tokens_details"u8);
        json.WriteNumber("text_tokens"u8, usage.Input);
        json.WriteNumber("image_tokens"u8, 0);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.Output);
        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("text_tokens"u8, 0);
        json.WriteNumber("image_tokens"u8, usage.ImageOutput);
        json.WriteEndObject();
        json.WriteNumber("total_tokens"u8, usage.Input + usage.Output);
    }

    static void WriteError(EventStream stream, AiCall call)
    {
        var json = stream.Begin("error"u8);
        OpenAiDialect.WriteMember(json, call.Steered("500"));
        stream.End();
    }

    public static Task Show(HttpContext http)
    {
        http.Response.ContentType = "image/png";
        return http.Response.Body.WriteAsync(Picture, 0, Picture.Length, http.RequestAborted);
    }
}
