using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>
/// POST /responses: the same answers as chat in the newer form. A previous response may be named; none is kept.
/// </summary>
static class Responses
{
    public static async Task Create(AiCall call)
    {
        using var body = JsonDocument.Parse(call.Body);
        var root = body.RootElement;
        if (!await call.Begin(OpenAiDialect.ModelOf(root), root.Flag("stream"))) return;
        var request = ResponseRequest.Read(root, call);
        ServiceTiers.Choose(call, root);
        call.Usage.Cached = call.Behaviour.Cached ?? 0;
        call.Usage.CacheWrite = call.Behaviour.CacheWrite ?? 0;
        var answer = Completion.Of(request.Ask, choice: 0);
        var response = new ResponseObject(call, request, answer);
        if (call.Streamed) await new ResponseStream(call, request, response).Tell(answer);
        else await Whole(call, request, response, answer);
    }

    static async Task Whole(AiCall call, ResponseRequest request, ResponseObject response, Completion answer)
    {
        call.Usage.Reasoning = answer.Reasoning;
        call.Usage.Output = answer.Count;
        call.Usage.WebSearches = request.WebSearches;
        if (!await call.Produce(answer.Chunks(call.Behaviour.Chunks))) return;
        var json = call.BeginJson();
        response.Write(json, ended: true);
        await call.EndJson(json);
    }
}
