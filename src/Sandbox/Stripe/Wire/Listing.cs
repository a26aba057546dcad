namespace Purser.Sandbox.Stripe.Wire;

/// <summary>Pages of a list: newest first, cut by a cursor that is an object's id.</summary>
static class Listing
{
    /// <summary>The page of a kind of object; equality filters are given by field, the rest by a test.</summary>
    public static JsonObject List(this Call call, string kind, string what, Func<JsonObject, bool>? where = null,
        params ReadOnlySpan<string> equal)
    {
        var all = call.Tx.All(kind);
        foreach (var field in equal)
        {
            if (call.P.Text(field) is not { } wanted) continue;
            all = Kinds.Indexed.Contains(field) && all is not List<JsonObject>
                ? call.Tx.Account.Referring(kind, field, wanted).ToList()
                : all.Where(o => o.Text(field) == wanted).ToList();
        }
        if (call.P["created"] is { } created) all = all.Where(o => Within(created, o.Number("created")));
        if (where is not null) all = all.Where(where);
        all = all.Where(o => !o.Flag("deleted"));
        return call.Page(all, what);
    }

    public static JsonObject Page(this Call call, IEnumerable<JsonObject> newestFirst, string what)
    {
        var limit = call.Limit();
        var after = call.P.Text("starting_after");
        var ahead = call.P.Text("ending_before");
        if (after is not null && ahead is not null)
        {
            throw StripeError.Invalid("You may only specify one of these parameters: ending_before, starting_after.");
        }
        var (page, more) = ahead is not null
            ? Before(newestFirst, ahead, limit, what)
            : After(newestFirst, after, limit, what);
        var list = Json.ListOf(call.Path, page.Select(Json.Visible));
        list["has_more"] = more;
        return list;
    }

    /// <summary>How many objects of a list are wanted.</summary>
    public static long Limit(this Call call)
    {
        var limit = call.P.MaybeNumber("limit") ?? 10;
        if (limit < 1)
        {
            throw StripeError.Invalid("This value must be greater than or equal to 1.", "limit",
                "parameter_invalid_integer");
        }
        if (limit > 100)
        {
            throw StripeError.Invalid($"This value must be less than or equal to 100 (it currently is '{limit}').",
                "limit", "parameter_invalid_integer");
        }
        return limit;
    }

    static (List<JsonObject> Page, bool More) After(IEnumerable<JsonObject> all, string? cursor, long limit,
        string what)
    {
        if (cursor is not null)
        {
            var rest = all.SkipWhile(o => o.Id() != cursor).GetEnumerator();
            if (!rest.MoveNext()) throw StripeError.Missing(what, cursor, "starting_after", inPath: false);
            return Take(Rest(rest), limit);
        }
        return Take(all, limit);

        static IEnumerable<JsonObject> Rest(IEnumerator<JsonObject> rest)
        {
            using (rest)
            {
                while (rest.MoveNext()) yield return rest.Current;
            }
        }
    }

    static (List<JsonObject> Page, bool More) Take(IEnumerable<JsonObject> all, long limit)
    {
        var page = all.Take((int)limit + 1).ToList();
        var more = page.Count > limit;
        if (more) page.RemoveAt(page.Count - 1);
        return (page, more);
    }

    static (List<JsonObject> Page, bool More) Before(IEnumerable<JsonObject> all, string cursor, long limit,
        string what)
    {
        var found = false;
        var newer = all.TakeWhile(o => !(found = o.Id() == cursor)).ToList();
        if (!found) throw StripeError.Missing(what, cursor, "ending_before", inPath: false);
        var more = newer.Count > limit;
        return (more ? newer[^(int)limit..] : newer, more);
    }

    public static bool Within(JsonNode range, long value)
    {
        if (range is JsonValue exact) return Json.AsNumber(exact) == value;
        var bounds = (JsonObject)range;
        return !(bounds.MaybeNumber("gt") is { } gt && value <= gt) &&
            !(bounds.MaybeNumber("gte") is { } gte && value < gte) &&
            !(bounds.MaybeNumber("lt") is { } lt && value >= lt) &&
                !(bounds.MaybeNumber("lte") is { } lte && value > lte);
    }
}
