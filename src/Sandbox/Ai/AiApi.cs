using Microsoft.AspNetCore.Http.Features;
using Purser.Sandbox.Ai.Records;

namespace Purser.Sandbox.Ai;

/// <summary>
/// The way of a request: body, record, key, then the route, whose refusals end here in the words of its API.
/// </summary>
sealed partial class AiApi(TimeProvider time, AiAccounts accounts, ServedCalls served, Requests requests,
    ILogger<AiApi> log)
{
    const int BodyMax = 32 << 20;

    // A started sandbox must not repeat the ids of the one before it: callers keep them.
    readonly string started = time.GetUtcNow().ToUnixTimeMilliseconds().ToString("x12", CultureInfo.InvariantCulture);
    long count;

    public RequestDelegate Metered(Dialect dialect, string route, Func<AiCall, Task> answer) =>
        http => Handle(http, dialect, (route, Metered: true), answer);

    public RequestDelegate Free(Dialect dialect, string route, Func<AiCall, Task> answer) =>
        http => Handle(http, dialect, (route, Metered: false), answer);

    async Task Handle(HttpContext http, Dialect dialect, (string Name, bool Metered) route, Func<AiCall, Task> answer)
    {
        var call = new AiCall(http, time, served)
        {
            Dialect = dialect,
            Route = route.Name,
            Metered = route.Metered,
            Account = accounts.Of(AiAccounts.KeyOf(http.Request)),
            Serial = started + Interlocked.Increment(ref count).ToString("x12", CultureInfo.InvariantCulture),
        };
        dialect.WriteHeaders(call, http.Response.Headers);
        try
        {
            call.Body = await Body(http, dialect);
            Remember(call);
            dialect.Admit(call);
            await answer(call);
        }
        catch (AiError error)
        {
            await call.Refuse(error);
        }
        catch (Exception broken) when (broken is System.Text.Json.JsonException or BadHttpRequestException)
        {
            // In the second case it never arrived whole, and probably nobody is there any more to be told.
            await call.Refuse(dialect.NotJson());
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            call.End(Outcome.Cancelled);
        }
        catch (Exception failure) when (!http.Response.HasStarted)
        {
            Failed(log, failure, http.Request.Method, http.Request.Path);
            await call.Refuse(dialect.Steered("500", call.Model));
        }
    }

    static async Task<byte[]> Body(HttpContext http, Dialect dialect)
    {
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        var request = http.Request;
        if (request.ContentLength is { } length and <= BodyMax)
        {
            var body = GC.AllocateUninitializedArray<byte>((int)length);
            await request.Body.ReadExactlyAsync(body, http.RequestAborted);
            return body;
        }
        using var all = new MemoryStream();
        var buffer = new byte[64 << 10];
        while (await request.Body.ReadAsync(buffer, http.RequestAborted) is > 0 and var read)
        {
            // What is too much is read all the same, since whoever still sends would not see the answer.
            if (all.Length <= BodyMax) all.Write(buffer, 0, read);
        }
        return all.Length <= BodyMax ? all.ToArray() : throw dialect.TooLarge();
    }

    void Remember(AiCall call)
    {
        var request = call.Http.Request;
        var headers = new KeyValuePair<string, string>[request.Headers.Count];
        var i = 0;
        foreach (var (name, value) in request.Headers) headers[i++] = new(name, value.ToString());
        requests.Add(new()
        {
            At = call.At,
            Method = request.Method,
            Path = request.Path + request.QueryString,
            Headers = headers,
            Body = call.Body,
            Account = call.Account.Name,
            RequestId = call.RequestId,
        });
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    static partial void Failed(ILogger log, Exception failure, string method, string path);
}
