using System.Text.Encodings.Web;
using System.Text.Json;
using Purser.Sandbox.Ai.Records;
using Purser.Sandbox.Ai.Steering;

namespace Purser.Sandbox.Ai;

/// <summary>One call while it is served. However it ends, it is recorded once, before its last bytes leave.</summary>
sealed class AiCall(HttpContext http, TimeProvider time, ServedCalls served)
{
    public const string BehaveHeader = "Sandbox-Behave";

    // Longer than any caller waits, so that it is the caller who gives up.
    static readonly TimeSpan HangMax = TimeSpan.FromMinutes(15);

    // What was sent last is still on its way inside the server; a connection that ends at once would take it along.
    static readonly TimeSpan CutGrace = TimeSpan.FromMilliseconds(50);

    static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    readonly long began = time.GetTimestamp();
    bool ended;

    public required Dialect Dialect { get; init; }
    public required string Route { get; init; }
    public required AiAccount Account { get; init; }

    /// <summary>Part of every id in the answer, and never the same again.</summary>
    public required string Serial { get; init; }

    /// <summary>Whether it costs something. What is free is not recorded and takes nothing from the queue.</summary>
    public required bool Metered { get; init; }

    public HttpContext Http => http;
    public CancellationToken Left => http.RequestAborted;
    public DateTimeOffset At { get; } = time.GetUtcNow();
    public byte[] Body { get; set; } = [];
    public string Model { get; private set; } = "";
    public bool Streamed { get; private set; }
    public Behaviour Behaviour { get; private set; } = Behaviour.Usual;
    public UsageReport Report { get; set; }
    public string? ServiceTier { get; set; }
    public Usage Usage { get; } = new();

    /// <summary>The name without the behaviours behind it.</summary>
    public string BareModel => Model.IndexOf('@') is > 0 and var at ? Model[..at] : Model;

    public string RequestId => Id("req_");

    public string Id(string prefix) => prefix + Serial;

    /// <summary>
    /// Once the model is known: whatever is to happen before the first byte. False when the call is over by that.
    /// </summary>
    public async ValueTask<bool> Begin(string model, bool streamed)
    {
        Model = model;
        Streamed = streamed;
        Behaviour = BehaviourText.OfModel(Behaviour.Usual, model);
        if (Metered && Account.Next.TryDequeue(out var queued)) Behaviour = BehaviourText.OfHeader(Behaviour, queued);
        if (http.Request.Headers.TryGetValue(BehaveHeader, out var header))
        {
            Behaviour = BehaviourText.OfHeader(Behaviour, header.ToString());
        }
        Report = Behaviour.Report ?? UsageReport.Exact;

        if (Behaviour.Timeout)
        {
            await Hang();
            return false;
        }
        if (!await Wait(Behaviour.FirstByte)) return false;
        if (Behaviour.Error is { } error) throw Steered(error);
        return Dialect.Serves(BareModel) ? true : throw Dialect.UnknownModel(model);
    }

    /// <summary>Sound that was spoken besides the text, when a behaviour says so.</summary>
    public void AddAudioOutput()
    {
        Usage.AudioOutput = Behaviour.AudioOutput;
        Usage.Output += Behaviour.AudioOutput;
    }

    public AiError Steered(string error)
    {
        var refusal = Dialect.Steered(error, Model);
        refusal.RetryAfter = Behaviour.RetryAfter ?? refusal.RetryAfter;
        return refusal;
    }

    /// <summary>
    /// What happens to an answer that is not streamed while it is made. False when the call is over by that.
    /// </summary>
    public async ValueTask<bool> Produce(long chunks)
    {
        if (Behaviour == Behaviour.Usual) return true;
        if (!await Wait(Behaviour.Slow * chunks)) return false;
        if (Behaviour.ErrorAfter is not null) throw Steered("500");
        if (Behaviour.HangAfter is not null)
        {
            await Hang();
            return false;
        }
        if (Behaviour.CutAfter is null && Behaviour.EndAfter is null) return true;
        await Cut();
        return false;
    }

    /// <summary>False when the caller left meanwhile.</summary>
    public async ValueTask<bool> Wait(TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero) return true;
        try
        {
            await Task.Delay(delay, time, Left);
            return true;
        }
        catch (OperationCanceledException)
        {
            End(Outcome.Cancelled);
            return false;
        }
    }

    /// <summary>Says nothing more until the caller gives up.</summary>
    public async Task Hang()
    {
        try
        {
            await Task.Delay(HangMax, time, Left);
        }
        catch (OperationCanceledException)
        {
            // The caller gave up, which is what was asked for.
        }
        End(Outcome.Hung);
        http.Abort();
    }

    public async Task Cut()
    {
        End(Outcome.Cut);
        if (http.Response.HasStarted) await Task.Delay(CutGrace, time, CancellationToken.None);
        http.Abort();
    }

    public Utf8JsonWriter JsonWriter() => new(http.Response.BodyWriter, Plain);

    public Utf8JsonWriter BeginJson()
    {
        http.Response.ContentType = "application/json";
        return JsonWriter();
    }

    /// <summary>The usage of an answer in the words of its route, or what a behaviour puts in its place.</summary>
    public void WriteUsage(Utf8JsonWriter json, Action<Utf8JsonWriter, Usage> write)
    {
        if (Report == UsageReport.Absent) return;
        if (Report == UsageReport.Null)
        {
            json.WriteNull("usage"u8);
            return;
        }
        json.WriteStartObject("usage"u8);
        write(json, Report == UsageReport.Zero ? new() : Usage);
        json.WriteEndObject();
    }

    public async Task EndJson(Utf8JsonWriter json)
    {
        json.Flush();
        await json.DisposeAsync();
        End(Outcome.Finished);
        await http.Response.BodyWriter.FlushAsync(Left);
    }

    public async Task SendText(string text)
    {
        End(Outcome.Finished);
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(text, Left);
    }

    public async Task Refuse(AiError error)
    {
        http.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } seconds) http.Response.Headers.RetryAfter = seconds;
        var json = BeginJson();
        Dialect.Write(json, error, RequestId);
        json.Flush();
        await json.DisposeAsync();
        End(Outcome.Refused);
        await http.Response.BodyWriter.FlushAsync(Left);
    }

    public void End(Outcome outcome)
    {
        if (ended || !Metered) return;
        ended = true;
        var headers = http.Request.Headers;
        var call = new Served
        {
            At = At,
            DurationMs = Math.Round(time.GetElapsedTime(began).TotalMilliseconds, 3),
            Account = Account.Name,
            Provider = Dialect.Name,
            Route = Route,
            Model = Model,
            RequestId = RequestId,
            PurserCallId = Sent(headers, "Purser-Call-Id"),
            IdempotencyKey = Sent(headers, "Idempotency-Key"),
            RetryCount = Sent(headers, "X-Stainless-Retry-Count"),
            Status = outcome is Outcome.Finished or Outcome.Refused || http.Response.HasStarted
                ? http.Response.StatusCode : 0,
            Stream = Streamed,
            Outcome = outcome,
            Report = Report,
            ServiceTier = ServiceTier,
            // Nobody pays for a refusal, however far it had got.
            Usage = outcome == Outcome.Refused ? new() : Usage,
        };
        served.Add(call);
        Account.Totals.Add(call);
    }

    static string? Sent(IHeaderDictionary headers, string name) =>
        headers.TryGetValue(name, out var value) ? value.ToString() : null;
}
