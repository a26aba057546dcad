using System.Text.RegularExpressions;

namespace Purser.Sandbox.Stripe.Wire;

/// <summary>
/// Stripe's search: clauses joined by AND or by OR, over metadata and top-level fields. Stripe's index lags behind
/// writes; this one does not, so that a test need not wait.
/// </summary>
static partial class Search
{
    public static JsonObject SearchFor(this Call call, string kind)
    {
        var query = call.P.Text("query")!;
        var matches = Clauses(query);
        var either = Or().IsMatch(query);
        var found = call.Tx.All(kind).Where(o => either ? matches.Any(m => m(o))
            : matches.TrueForAll(m => m(o))).ToList();

        var limit = (int)(call.P.MaybeNumber("limit") ?? 10);
        var from = int.TryParse(call.P.Text("page"), out var page) ? page : 0;
        var shown = found.Skip(from).Take(limit).Select(Json.Visible).ToList();
        var more = found.Count > from + limit;
        return new()
        {
            ["object"] = "search_result",
            ["data"] = new JsonArray([.. shown]),
            ["has_more"] = more,
            ["next_page"] = more ? (from + limit).ToString(CultureInfo.InvariantCulture) : null,
            ["url"] = call.Path,
        };
    }

    static List<Predicate<JsonObject>> Clauses(string query)
    {
        List<Predicate<JsonObject>> clauses = [];
        var end = 0;
        foreach (Match match in Clause().Matches(query))
        {
            clauses.Add(Test(match));
            end = match.Index + match.Length;
        }
        if (clauses.Count == 0 || query[end..].Trim().Length > 0)
        {
            throw StripeError.Invalid("We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` "
                + "to query for metadata or key:\"value\" to query for other fields.", "query");
        }
        return clauses;
    }

    static Predicate<JsonObject> Test(Match match)
    {
        var negated = match.Groups["not"].Success;
        var key = match.Groups["key"].Value;
        var field = match.Groups["field"].Value;
        var sign = match.Groups["sign"].Value;
        var value = match.Groups["value"].Success
            ? match.Groups["value"].Value.Replace("\\", "", StringComparison.Ordinal) : null;
        var bare = match.Groups["bare"].Value;
        return o =>
        {
            var actual = key.Length > 0 ? o.Child("metadata")?[key] : o[field];
            return Holds(actual as JsonValue, sign, value, bare) != negated;
        };
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

    [GeneratedRegex("""\G\s*(?:(?:AND|OR)\s+)?(?<not>-)?(?:metadata\[["'](?<key>[^"']+)["']\]|(?<field>[a-z_]+))(?<sign>:|~|>=|<=|>|<)(?:["'](?<value>(?:\\.|[^"'])*)["']|(?<bare>[\w.-]+))""")]
    private static partial Regex Clause();

    [GeneratedRegex("""["'\w]\s+OR\s""")]
    private static partial Regex Or();
}
