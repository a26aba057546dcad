using System.Text.Json;

namespace Purser.Sandbox.Stripe.Control;

/// <summary>
/// The routes under /control: what a test or a person does to the stand-in that nobody can do to Stripe.
/// </summary>
sealed class Controls(Accounts accounts, Timeline timeline, Deliveries deliveries)
{
    // Everything that falls due on the way is really done, so a slip of the finger must not cost a century of renewals.
    static readonly TimeSpan ForwardMax = TimeSpan.FromDays(3_660);

    public void Map(IEndpointRouteBuilder app)
    {
        var control = app.MapGroup("/control").AddEndpointFilter(Refusals);
        control.MapPost("/faults", (HttpRequest r) => With(r, (account, body) =>
        {
            Faults.Add(account, body.Text("kind") ?? "", body.ContainsKey("count") ? Whole(body, "count") : 1);
            return new() { ["queued"] = (long)account.Faults.Count };
        }));
        control.MapGet("/faults", (HttpRequest r) =>
            With(r, (account, _) => new() { ["queued"] = (long)account.Faults.Count }));
        control.MapPost("/payments/{id}/settle", (string id, HttpRequest r) => With(r, (account, body) =>
            Change(account, tx => Payments.Settlement.Settle(tx, id, body.MaybeFlag("success")))));
        control.MapPost("/payments/{id}/authenticate", (string id, HttpRequest r) => With(r, (account, body) =>
            Change(account, tx => Payments.Authentication.Finish(tx, id, body.MaybeFlag("success") ?? true))));
        control.MapPost("/webhooks/flush", Flush);
        control.MapPost("/webhooks/chaos", (HttpRequest r) => With(r, SetChaos));
        control.MapPost("/webhooks/resend", Resend);
        control.MapPost("/webhook_endpoints/{id}/roll", (string id, HttpRequest r) => With(r, (account, _) =>
            Change(account, tx => new() { ["secret"] = WebhookEndpoints.Roll(tx, id) })));
        control.MapPost("/dunning", (HttpRequest r) => With(r, (account, body) =>
            Change(account, tx => Billing.Dunning.Configure(tx, body))));
        control.MapPost("/clock", (HttpRequest r) => With(r, MoveClock));
    }

    static async ValueTask<object?> Refusals(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (StripeError error)
        {
            return Results.Text(error.Body("").ToJsonString(Json.Plain), "application/json", statusCode: error.Status);
        }
    }

    async Task<IResult> With(HttpRequest request, Func<Account, JsonObject, JsonObject> act)
    {
        var account = accounts.Of(Keys.Secret(request));
        var answer = act(account, await Body(request));
        timeline.Wake(account);
        deliveries.Wake(account);
        return Results.Text(answer.ToJsonString(Json.Plain), "application/json");
    }

    static async Task<JsonObject> Body(HttpRequest request)
    {
        if (request.ContentLength is null or 0) return [];
        try
        {
            return await JsonNode.ParseAsync(request.Body,
                cancellationToken: request.HttpContext.RequestAborted) as JsonObject ?? [];
        }
        catch (JsonException)
        {
            throw StripeError.Invalid("The body is not a JSON object.");
        }
    }

    static JsonObject Change(Account account, Func<Tx, JsonObject> change)
    {
        lock (account.Gate)
        {
            var tx = new Tx(account, Cause.Time);
            try
            {
                var answer = change(tx);
                tx.RunLater();
                tx.Commit();
                return answer.Visible();
            }
            catch (StripeError error) when (error.Keep)
            {
                tx.Commit();
                throw;
            }
            catch
            {
                tx.Rollback();
                throw;
            }
        }
    }

    async Task<IResult> Flush(HttpRequest request)
    {
        var account = accounts.Of(Keys.Secret(request));
        var (delivered, failed) = await deliveries.Flush(account, request.HttpContext.RequestAborted);
        return Results.Json(new { delivered, failed });
    }

    async Task<IResult> Resend(HttpRequest request)
    {
        var account = accounts.Of(Keys.Secret(request));
        var body = await Body(request);
        var delivered = await deliveries.Resend(account, body.Text("event") ?? "", body.Text("webhook_endpoint") ?? "",
            request.HttpContext.RequestAborted);
        return Results.Json(new { delivered });
    }

    static JsonObject SetChaos(Account account, JsonObject body)
    {
        var chaos = new Chaos(Probability(body, "duplicate"), Probability(body, "shuffle"), Probability(body, "drop"));
        lock (account.Gate) account.Chaos = chaos;
        return new() { ["duplicate"] = chaos.Duplicate, ["shuffle"] = chaos.Shuffle, ["drop"] = chaos.Drop };
    }

    static double Probability(JsonObject body, string name)
    {
        if (body[name] is not JsonValue value) return 0;
        var probability = value.TryGetValue(out double d) ? d : Json.AsNumber(value) ?? -1;
        return probability is >= 0 and <= 1 ? probability
            : throw StripeError.Invalid($"{name} must be between 0 and 1", name);
    }

    static long Whole(JsonObject body, string name)
    {
        if (!body.ContainsKey(name)) throw StripeError.MissingParam(name);
        return body.MaybeNumber(name) ?? throw StripeError.Invalid($"{name} must be a whole number", name);
    }

    JsonObject MoveClock(Account account, JsonObject body)
    {
        var target = Whole(body, "now");
        lock (account.Gate)
        {
            if (target > account.Now + ForwardMax.TotalSeconds)
            {
                throw StripeError.Invalid($"The clock moves at most {ForwardMax.TotalDays} days at once.", "now");
            }
            if (target < account.Now) throw StripeError.Invalid("The clock only moves forward.", "now");
            account.MoveClock(target - account.WallNow);
            var tx = new Tx(account, Cause.Time);
            tx.Add(new() { ["id"] = Account.SettingsId, ["object"] = Kinds.Settings,
                ["clock_offset"] = account.ClockOffset });
            tx.Commit();
        }
        timeline.RunDue(account);
        return new() { ["now"] = account.Now };
    }
}
