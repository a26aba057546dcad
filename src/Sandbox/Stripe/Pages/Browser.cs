namespace Purser.Sandbox.Stripe.Pages;

/// <summary>
/// What a person does in a browser: operations without a key, on the account that owns the page's object.
/// </summary>
sealed class Browser(Accounts accounts, Control.Timeline timeline, Deliveries deliveries)
{
    const int FieldMax = 500;

    // Stripe gives the shop this long to hear of a purchase before the customer comes back to it.
    static readonly TimeSpan ShopPatience = TimeSpan.FromSeconds(10);

    /// <summary>Reads the object of a page and shows it; null where there is none.</summary>
    public IResult Show(string id, string kind, Func<Tx, JsonObject, IResult> page)
    {
        if (accounts.Having(id) is not { } account) return Layout.Missing();
        lock (account.Gate)
        {
            var tx = new Tx(account, Cause.Time);
            return tx.Find(kind, id) is { } found ? page(tx, found) : Layout.Missing();
        }
    }

    /// <summary>
    /// Does what a form asks. A refusal is shown on the page it came from; what it wrote may have to stay.
    /// </summary>
    public async Task<IResult> Act(HttpRequest request, string id, string kind, Func<Call, JsonObject, JsonObject,
        IResult> act,
        Func<Tx, JsonObject, JsonObject, StripeError, IResult> refused)
    {
        var sent = await Fields(request);
        if (accounts.Having(id) is not { } account) return Layout.Missing();
        IResult result;
        List<string> completed = [];
        lock (account.Gate)
        {
            account.BaseUrl = StripeApi.BaseUrl(request);
            var tx = new Tx(account, Cause.Time);
            if (tx.Find(kind, id) is not { } found) return Layout.Missing();
            try
            {
                result = act(new Call(tx, [], [id], request.Path, ApiVersion.Current), found, sent);
                tx.Commit();
                completed = [.. tx.Events.Where(e => e.Type == "checkout.session.completed").Select(e => e.Id)];
            }
            catch (StripeError error)
            {
                if (error.Keep) tx.Commit();
                else tx.Rollback();
                result = refused(new Tx(account, Cause.Time), account.Find(id)!, sent, error);
            }
        }
        timeline.Wake(account);
        deliveries.Wake(account);
        foreach (var e in completed)
        {
            await deliveries.Heard(account, e, ShopPatience, request.HttpContext.RequestAborted);
        }
        return result;
    }

    static async Task<JsonObject> Fields(HttpRequest request)
    {
        var sent = new JsonObject();
        if (!request.HasFormContentType) return sent;
        foreach (var (name, value) in await request.ReadFormAsync(request.HttpContext.RequestAborted))
        {
            var text = value.ToString();
            sent[name] = text.Length > FieldMax ? text[..FieldMax] : text;
        }
        return sent;
    }
}
