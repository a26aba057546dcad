using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Purser.Server.Platform;
using static Microsoft.AspNetCore.Http.TypedResults;

namespace Purser.Server.Identity;

sealed record SwitchRequest
{
    /// <summary>A text, or the number or truth value that it stands for.</summary>
    public JsonElement? Value { get; init; }
}

static class SwitchEndpoints
{
    public static void MapSwitches(this IEndpointRouteBuilder routes)
    {
        var switches = routes.MapGroup("/v1/switches").WithTags("Administration").AdminOnly();
        switches.MapGet("/", List).WithSummary("What can be changed while servers run, and how it stands");
        switches.MapPut("/{name}", Put).WithSummary("Change a switch, on all servers within a second").Produces<SwitchState>();
    }

    static async Task<Ok<Page<SwitchState>>> List(SwitchBoard board, CancellationToken ct) =>
        Ok(new Page<SwitchState>(await board.States(ct), HasMore: false));

    static async Task<IResult> Put(string name, SwitchRequest request, SwitchBoard board, HttpContext http, CancellationToken ct)
    {
        if (board.Find(name) is not { } one) return Error.NotFound("switch").Answer(http);

        var value = request.Value switch
        {
            { ValueKind: JsonValueKind.String } text => text.GetString()!,
            { ValueKind: JsonValueKind.True or JsonValueKind.False or JsonValueKind.Number } other => other.GetRawText(),
            _ => "",
        };
        if (!one.Accepts(value)) throw new InvalidRequestException("value", $"'value' is {one.Takes}.");

        http.Audit($"{name}: {one.Text} -> {value}");
        await board.Change(one, value, http.Features.Get<Caller>()!.Name, ct);
        return Ok((await board.States(ct)).Single(state => state.Name == name));
    }
}
