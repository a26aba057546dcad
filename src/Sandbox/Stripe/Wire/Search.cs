using System.Text.RegularExpressions;

namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// Stripe's search: clauses joined by AND or by OR, over metadata and the fields Stripe indexes. Stripe's index lags
/// behind writes; this one does not, so that a test need not wait.
/// </summary>
static partial class Search
{
    // What Stripe can search by, beside metadata. A dot goes into the object, an underscore is the sandbox's own place.
    static readonly Dictionary<string, string[]> Fields = new()
    {
        ["charge"] = ["amount", "created", "currency", "customer", "disputed", "refunded", "status",
            "payment_method_details.card.brand", "payment_method_details.card.fingerprint",
            "payment_method_details.card.last4"],
        ["customer"] = ["created", "email", "name", "phone"],
        ["invoice"] = ["created", "currency", "customer", "number", "status", "subscription", "total"],
        ["payment_intent"] = ["amount", "created", "currency", "customer", "status"],
        ["price"] = ["active", "currency", "lookup_key", "product", "type"],
        ["product"] = ["active", "description", "name", "shippable", "url"],
        ["subscription"] = ["canceled_at", "created", "status"],
    };

    public static JsonObject SearchFor(this Call call, string kind)
    {
        var (clauses, either) = Clauses(kind, call.P.Text("query")!);
        var found = call.Tx.All(kind).Where(o => !o.Flag("deleted"))
            .Where(o => either ? clauses.Exists(c => c(o)) : clauses.TrueForAll(c => c(o))).ToList();

        var limit = (int)call.Limit();
        var from = From(call.P.Text("page"));
        var more = found.Count > from + limit;
        return new()
        {
            ["object"] = "search_result",
            ["data"] = new JsonArray([.. found.Skip(from).Take(limit).Select(Json.Visible)]),
            ["has_more"] = more,
            ["next_page"] = more ? (from + limit).ToString(CultureInfo.InvariantCulture) : null,
            ["url"] = call.Path,
        };
    }

    static int From(string? page)
    {
        if (page is null) return 0;
        return int.TryParse(page, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            ? from : throw StripeError.Invalid($"Invalid page: {page}", "page");
    }

    static (List<Predicate<JsonObject>> Clauses, bool Either) Clauses(string kind, string query)
    {
        List<Predicate<JsonObject>> clauses = [];
        HashSet<string> joints = [];
        var end = 0;
        foreach (Match match in Clause().Matches(query))
        {
            var joint = match.Groups["joint"].Value;
            if (joint.Length > 0 == (clauses.Count == 0)) throw Unreadable();
            if (joint.Length > 0) joints.Add(joint.ToUpperInvariant());
            clauses.Add(Test(kind, match));
            end = match.Index + match.Length;
        }
        if (clauses.Count == 0 || query[end..].Trim().Length > 0 || joints.Count > 1) throw Unreadable();
        return (clauses, joints.Contains("OR"));
    }

    static StripeError Unreadable() => StripeError.Invalid("We were unable to parse your search query. Try using the format "
        + "`metadata[\"key\"]:\"value\"` to query for metadata or key:\"value\" to query for other fields.", "query");

    static Predicate<JsonObject> Test(string kind, Match match)
    {
        var negated = match.Groups["not"].Success;
        var key = match.Groups["key"].Value;
        var field = match.Groups["field"].Value;
        var sign = match.Groups["sign"].Value;
        var value = match.Groups["value"].Success
            ? match.Groups["value"].Value.Replace("\\", "", StringComparison.Ordinal) : null;
        var bare = match.Groups["bare"].Value;
        if (key.Length == 0 && !Fields[kind].Contains(field))
        {
            throw StripeError.Invalid($"Field `{field}` is an unsupported search field for resource `{kind}s`. See "
                + $"https://stripe.com/docs/search#query-fields-for-{kind.Replace('_', '-')}s for a list of supported fields.",
                "query");
        }
        return o =>
        {
            var actual = key.Length > 0 ? o.Child("metadata")?[key] : At(o, field);
            return Holds(actual as JsonValue, sign, value, bare) != negated;
        };
    }

    static JsonNode? At(JsonObject o, string field)
    {
        if (field == "subscription") return o["_subscription"];
        JsonNode? at = o;
        foreach (var name in field.Split('.')) at = (at as JsonObject)?[name];
        return at;
    }

    static bool Holds(JsonValue? actual, string sign, string? value, string bare)
    {
        if (value is null && bare == "null") return actual is null;
        if (actual is null) return false;
        var number = Json.AsNumber(actual);
        if (number is not null && long.TryParse(value ?? bare, CultureInfo.InvariantCulture, out var wanted))
        {
            return sign switch
            {
                ">" => number > wanted,
                ">=" => number >= wanted,
                "<" => number < wanted,
                "<=" => number <= wanted,
                _ => number == wanted,
            };
        }
        var text = actual.ToString();
        return sign == "~"
            ? text.Contains(value ?? bare, StringComparison.OrdinalIgnoreCase)
            : string.Equals(text, value ?? bare, StringComparison.OrdinalIgnoreCase);
    }

    [GeneratedRegex("""\G\s*(?:(?<joint>AND|OR)\s+)?(?<not>-)?(?:metadata\[["'](?<key>[^"']+)["']\]|(?<field>[a-z0-9_.]+))(?<sign>:|~|>=|<=|>|<)(?:"(?<value>(?:\\.|[^"\\])*)"|'(?<value>(?:\\.|[^'\\])*)'|(?<bare>[\w.-]+))""", RegexOptions.IgnoreCase)]
    private static partial Regex Clause();
}
