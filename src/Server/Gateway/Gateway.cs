using System.Globalization;
using Npgsql;
using Purser.Core.Gateway;
using Purser.Server.Gateway.Providers;
using Purser.Server.Platform;

namespace Purser.Server.Gateway;

/// <summary>
/// One call, from the caller to a provider and back:
///   1. Whose key is it?
///   2. What is asked for, and has it a price? No price, no call.
///   3. May it be asked so often?
///   4. Hold the dearest that it can come to.
///   5. Ask the provider; once more, or another one, as long as nothing of an answer has been passed on.
///   6. Pass its answer on, and read its usage as it passes.
///   7. Settle, once, whatever happened.
/// </summary>
sealed class Gateway(
    VirtualKeys keys, OwnKeys ownKeys, Targets targets, RateLimits limits, CallLedger ledger, ProviderCalls providers, RunningCalls running,
    Drains drains, Patience patience, GatewayMetrics metrics, TimeProvider time, ILogger<Gateway> log)
{
    public const long LargestBody = 64_000_000;

    const long LargestAnswer = 256_000_000;

    public static readonly GatewayError UnknownKey = new(
        StatusCodes.Status401Unauthorized, "invalid_api_key", "This key is not known, or was revoked.");

    static readonly GatewayError TooLarge = new(
        StatusCodes.Status413PayloadTooLarge, "request_too_large", $"A request has at most {LargestBody} bytes.");

    static readonly GatewayError DatabaseAway = new(
        StatusCodes.Status503ServiceUnavailable, "database_unavailable", "The database does not answer. Try again.")
    {
        RetryAfterSeconds = 1,
    };

    public async Task Handle(HttpContext http, Wire wire)
    {
        if (await Answer(http, wire, key: null) is { } error) await error.Write(http, Targets.DialectOf(wire));
    }

    /// <summary>Null where the caller has been answered; otherwise why not, for whoever words it.</summary>
    /// <param name="key">Of a caller who is known already; null where the request names its key.</param>
    public async Task<GatewayError?> Answer(HttpContext http, Wire wire, VirtualKey? key)
    {
        // The name that each SDK reads it by.
        http.Response.Headers["request-id"] = http.TraceIdentifier;
        var error = await Served(http, wire, key);
        if (error is { Theirs: null }) metrics.Refused(error.Code);
        return error;
    }

    /// <summary>The one place where a failure of ours ends that the caller's SDK has to be able to read.</summary>
    async Task<GatewayError?> Served(HttpContext http, Wire wire, VirtualKey? known)
    {
        if (http.Request.ContentLength > LargestBody) return TooLarge;

        using var body = new PooledBytes();
        try
        {
            return await Serve(http, wire, known, body);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return null;
        }
        catch (BadHttpRequestException bad) when (!http.Response.HasStarted)
        {
            return bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? TooLarge : GatewayError.Invalid(null, "The body cannot be read.");
        }
        catch (Exception away) when (away is NpgsqlException { IsTransient: true } or TimeoutException && !http.Response.HasStarted)
        {
            return DatabaseAway;
        }
        catch (Exception failure) when (!http.Response.HasStarted)
        {
            log.CallFailed(failure, http.TraceIdentifier);
            return new(StatusCodes.Status500InternalServerError, "internal", "Something failed on our side. Quote the request id.");
        }
    }

    /// <summary>Null where the caller has been answered.</summary>
    async Task<GatewayError?> Serve(HttpContext http, Wire wire, VirtualKey? known, PooledBytes body)
    {
        // :: 1
        var now = time.Now();
        // What costs nothing places no hold that would notice a key that was revoked.
        var free = wire == Wire.CountTokens;
        var found = known ?? (free ? await keys.FindNow(KeyOf(http), http.RequestAborted) : await keys.Find(KeyOf(http), http.RequestAborted));
        if (found is not { } key) return UnknownKey;

        // :: 2
        body.Expect(http.Request.ContentLength + 1 ?? 0);
        if (!await body.Fill(http.Request.Body, LargestBody, http.RequestAborted)) return TooLarge;
        var reading = wire == Wire.Transcriptions
            ? TranscriptionReader.Read(body.Span, http.Request.ContentType)
            : RequestReader.Read(wire, body.Span);
        if (reading is RequestReading.Refused refused)
            return GatewayError.Invalid(refused.Param, refused.Message, Names.Of(refused.Why));

        var request = ((RequestReading.Understood)reading).Request;
        if (wire == Wire.Messages) request = request with { LeastContext = Anthropic.ContextOf(http.Request.Headers["anthropic-beta"].ToString()) };
        var (choice, noTarget) = targets.Find(request, key);
        if (noTarget is not null) return noTarget;

        // :: 3
        var counted = Bounding.EstimatedPrompt(request);
        var verdict = await limits.Take(key, counted, now);
        verdict.SetHeaders(http.Response.Headers, Targets.DialectOf(wire), now);
        if (!verdict.Granted) return TooOften(verdict);

        if (free) return await CountTokens(http, request, choice[0], key, body);

        var sound = SoundLength.Of(request, body.Span);
        Call? before = null;
        foreach (var target in choice)
        {
            var call = new Call(key, target.Understood(request), target, targets.Rates, now)
            {
                Sound = sound,
                FallbackOf = before?.Hold.Number,
                OwnKey = await ownKeys.Find(key.Customer, target.Provider.Facts.Name, http.RequestAborted),
            };
            var attempt = await Attempt(http, call, body, last: target == choice[^1]);
            if (attempt is not Attempted.Next next)
            {
                limits.Correct(key, verdict, call.UsedTokens - counted, now);
                return (attempt as Attempted.Refused)?.Error;
            }

            log.FellBack(call.Model, next.Why);
            before = call;
        }

        throw new InvalidOperationException("The last of the targets is the last.");
    }

    /// <summary>Providers count for nothing, and so do we.</summary>
    async Task<GatewayError?> CountTokens(HttpContext http, CallRequest request, Target target, VirtualKey key, PooledBytes body)
    {
        var sent = new EditedBody(body.Memory, Edits.InOrder(Edits.Model(request, target.Name)), "application/json");
        var ownKey = await ownKeys.Find(key.Customer, target.Provider.Facts.Name, http.RequestAborted);
        var outgoing = new Outgoing(target.Provider, Path(request.Wire), sent, ownKey, http.Request.Headers);
        switch (await providers.Send(outgoing, CancellationToken.None))
        {
            case Reached.Answered { Answer: var answer }:
                using (answer)
                {
                    http.Response.ContentType = "application/json";
                    await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
                }

                return null;
            case Reached.Refused refused:
                return ProviderErrors.AboutUs(target.Provider, ownKey, refused) ?? ProviderErrors.AboutTheCall(target.Provider, ownKey, refused);
            default:
                return Unreachable(target, "did not answer");
        }
    }

    async Task<Attempted> Attempt(HttpContext http, Call call, PooledBytes body, bool last)
    {
        // :: 4
        if (await ledger.Hold(call) is { } noHold) return new Attempted.Refused(noHold);

        // Also of a call that comes to nothing: it has a row.
        http.Response.Headers["Purser-Call-Id"] = call.Id.ToString();
        running.Add(call);
        EditedBody? sent = null;
        try
        {
            // :: 5
            sent = call.Outgoing(body.Memory, http.Request.ContentType ?? "application/json");
            var outgoing = new Outgoing(call.Target.Provider, Path(call.Request.Wire) + http.Request.QueryString, sent, call.OwnKey, http.Request.Headers);
            return await Reach(http, call, outgoing) switch
            {
                Reached.Answered answered => await PassOn(http, call, answered.Answer),
                Reached.Refused refused => await Refuse(call, refused, last),
                Reached.Silent silent => await GiveUp(call, silent, last),
                null => new Attempted.Answered(),
                _ => throw new InvalidOperationException("A provider answers, refuses or is silent."),
            };
        }
        finally
        {
            _ = running.Leave(call);
            if (sent is { InUse: true }) body.Abandon();
        }
    }

    /// <summary>Null where the caller went before the answer began.</summary>
    async Task<Reached?> Reach(HttpContext http, Call call, Outgoing outgoing)
    {
        // Of what is no stream, the usage comes at the end: it is waited for, whether anybody still wants the answer or not.
        try
        {
            return await providers.Send(outgoing, call.EndsWithCaller ? http.RequestAborted : CancellationToken.None);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // What the prompt costs is all that is known of it.
            await ledger.Settle(call, Ending.CallerLeft, usageIsWhole: false);
            return null;
        }
    }

    async Task<Attempted> PassOn(HttpContext http, Call call, HttpResponseMessage answer)
    {
        using (answer)
        {
            call.ProviderStatus = (int)answer.StatusCode;
            call.ProviderRequest = ProviderCalls.RequestId(call.Target.Provider, answer);
            SetHeaders(http.Response, call, answer);
            // :: 6
            using var stream = await answer.Content.ReadAsStreamAsync(CancellationToken.None);
            if (IsEventStream(answer))
            {
                using var relay = new StreamRelay(call, http, patience, drains);
                await relay.Run(stream, how => SettleInTime(call, how, relay.UsageIsWhole));
                return new Attempted.Answered();
            }

            return await PassOnWhole(http, call, stream);
        }
    }

    /// <summary>An answer in one piece: read, settled and then passed on, so that its headers can say what it cost.</summary>
    async Task<Attempted> PassOnWhole(HttpContext http, Call call, Stream stream)
    {
        using var answer = new PooledBytes();
        using var late = new CancellationTokenSource(patience.FirstByte);
        try
        {
            if (!await answer.Fill(stream, LargestAnswer, late.Token)) throw new IOException("The answer is too large.");
        }
        catch (Exception e) when (e is OperationCanceledException || ProviderCalls.IsBroken(e))
        {
            await SettleInTime(call, Ending.ProviderFailed, usageIsWhole: false);
            return new Attempted.Refused(BrokeOff(call));
        }

        call.SawFirstByte();
        call.Answer.Whole(answer.Span);
        await SettleInTime(call, Ending.Finished, usageIsWhole: call.Told is not null);
        http.Response.Headers["Purser-Charged"] = call.Charged.ToString();
        http.Response.ContentLength = answer.Length;
        // A caller who has gone is no reason to stop: what the key has used is still to be counted.
        await http.Response.Body.WriteAsync(answer.Memory, CancellationToken.None);
        return new Attempted.Answered();
    }

    /// <summary>The provider's own error, without its headers and without our key, where it is any of the caller's business.</summary>
    async Task<Attempted> Refuse(Call call, Reached.Refused refused, bool last)
    {
        call.ProviderStatus = refused.Status;
        call.ProviderRequest = refused.RequestId;
        await SettleInTime(call, Ending.ProviderRefused, usageIsWhole: false);
        if (!last && refused.Status is 408 or 429 or >= 500) return new Attempted.Next($"answered {refused.Status}");
        if (ProviderErrors.AboutUs(call.Target.Provider, call.OwnKey, refused) is { } ours)
        {
            log.ProviderRefusedUs(call.Target.Provider.Facts.Name, refused.Status);
            return new Attempted.Refused(ours);
        }

        return new Attempted.Refused(ProviderErrors.AboutTheCall(call.Target.Provider, call.OwnKey, refused));
    }

    async Task<Attempted> GiveUp(Call call, Reached.Silent silent, bool last)
    {
        await SettleInTime(call, Ending.ProviderSilent, usageIsWhole: false);
        if (!last) return new Attempted.Next(silent.Why);

        return new Attempted.Refused(silent.TimedOut
            ? new(StatusCodes.Status504GatewayTimeout, "provider_timeout", $"{call.Target.Provider.Facts.Name} {silent.Why}.")
            : Unreachable(call.Target, silent.Why));
    }

    // The provider has billed us, whoever is still there: a settlement is never given up. What is given up is to wait for it.
    async Task SettleInTime(Call call, Ending how, bool usageIsWhole)
    {
        // :: 7
        var settled = ledger.Settle(call, how, usageIsWhole);
        try
        {
            await settled.WaitAsync(patience.Settlement, time);
        }
        catch (TimeoutException) when (!settled.IsCompleted)
        {
        }
    }

    /// <summary>Each API has its own header for a key, and their SDKs know both.</summary>
    public static string KeyOf(HttpContext http)
    {
        const string Scheme = "Bearer ";
        if (http.Request.Headers["x-api-key"] is [{ Length: > 0 } key]) return key;

        var given = http.Request.Headers.Authorization.ToString();
        return given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? given[Scheme.Length..].Trim() : "";
    }

    static GatewayError TooOften(RateVerdict verdict)
    {
        var seconds = (int)Math.Ceiling(verdict.Wait.TotalSeconds);
        var what = verdict.Requests is { Granted: false } ? "requests" : "tokens";
        return new(StatusCodes.Status429TooManyRequests, "rate_limit_exceeded", $"Too many {what} a minute for this key. Try again in {seconds} s.")
        {
            RetryAfterSeconds = seconds,
        };
    }

    static GatewayError Unreachable(Target target, string why) =>
        new(StatusCodes.Status502BadGateway, "provider_unreachable", $"{target.Provider.Facts.Name} {why}.");

    static GatewayError BrokeOff(Call call) =>
        new(StatusCodes.Status502BadGateway, "provider_failed", $"{call.Target.Provider.Facts.Name} broke off its answer.");

    static bool IsEventStream(HttpResponseMessage answer) =>
        string.Equals(answer.Content.Headers.ContentType?.MediaType, "text/event-stream", StringComparison.OrdinalIgnoreCase);

    // Of the provider's headers only what the body is: its account, its limits and its names for things are ours to know.
    static void SetHeaders(HttpResponse response, Call call, HttpResponseMessage answer)
    {
        response.StatusCode = (int)answer.StatusCode;
        response.ContentType = answer.Content.Headers.ContentType?.ToString();
        response.Headers["Purser-Model"] = call.Model;
        if (call.LimitedTo is { } tokens) response.Headers["Purser-Limited-To"] = tokens.ToString(CultureInfo.InvariantCulture);
        if (!IsEventStream(answer)) return;

        response.Headers.CacheControl = "no-cache";
        // What stands in front of us is told not to gather events.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    static string Path(Wire wire) => wire switch
    {
        Wire.ChatCompletions => "/chat/completions",
        Wire.Responses => "/responses",
        Wire.Embeddings => "/embeddings",
        Wire.Transcriptions => "/audio/transcriptions",
        Wire.Images => "/images/generations",
        Wire.Messages => "/v1/messages",
        Wire.CountTokens => "/v1/messages/count_tokens",
    };

    abstract record Attempted
    {
        /// <summary>The caller has been answered.</summary>
        public sealed record Answered : Attempted;

        public sealed record Refused(GatewayError Error) : Attempted;

        /// <summary>Nothing has been passed on: another model may do it.</summary>
        public sealed record Next(string Why) : Attempted;
    }
}

static partial class Log
{
    [LoggerMessage(3020, LogLevel.Information, "{Model} {Why}; its fallback is asked")]
    public static partial void FellBack(this ILogger log, string model, string why);

    [LoggerMessage(3021, LogLevel.Error, "{Provider} refused us with {Status}: look at its address, and at our key and our account there")]
    public static partial void ProviderRefusedUs(this ILogger log, string provider, int status);

    [LoggerMessage(3022, LogLevel.Error, "A call failed on our side, in request {Request}")]
    public static partial void CallFailed(this ILogger log, Exception failure, string request);
}
