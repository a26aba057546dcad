using System.Text;

namespace Purser.Server.Tests.Ledger;

/// <summary>A request that no server should take, and what it is told. {hold} and {grant} stand for ids that exist.</summary>
sealed record BadRequest(string Method, string Path, byte[]? Body, int Status, string Type, string? Param)
{
    public string? ContentType { get; init; } = "application/json";

    public string? Authorization { get; init; } = $"Bearer {Given.AdminKey}";

    /// <summary>Null sends a new one with every POST, to show that even then nothing is kept.</summary>
    public string? Key { get; init; }

    public bool Chunked { get; init; }
}

/// <summary>Every way to go wrong that we know of, by its name.</summary>
static class BadRequests
{
    const string Ann = "/v1/customers/ann";
    const string Charge = $"{Ann}/charges";
    const string Hold = $"{Ann}/holds";
    const string Grant = $"{Ann}/grants";
    const string Capture = "/v1/holds/{hold}/capture";

    const string Other = "00000000000000000000000000000001";

    public static IReadOnlyDictionary<string, BadRequest> All { get; } = new Dictionary<string, BadRequest>
    {
        ["no amount"] = Post(Charge, "{}", "amount"),
        ["amount null"] = Post(Charge, """{"amount":null}""", "amount"),
        ["amount zero"] = Amount("0"),
        ["amount negative zero"] = Amount("-0"),
        ["amount negative zero with decimals"] = Amount("-0.000000"),
        ["amount negative"] = Amount("-1"),
        ["amount with seven decimals"] = Amount("0.0000001"),
        ["amount with seven decimals behind credits"] = Amount("1.0000001"),
        ["amount 1e400"] = Amount("1e400"),
        ["amount 1e-400"] = Amount("1e-400"),
        ["amount 1e-7"] = Amount("1e-7"),
        ["amount above a trillion"] = Amount("1000000000000.000001"),
        ["amount that overflows 64 bits"] = Amount("9223372036854.775808"),
        ["amount of 40 digits"] = Amount(new('9', 40)),
        ["amount of 900,000 digits"] = Amount(new('9', 900_000)),
        ["amount of many zeros"] = Amount($"1.{new string('0', 100_000)}1"),
        ["amount word"] = Amount("\"ten\""),
        ["amount empty text"] = Amount("\"\""),
        ["amount text with a space"] = Amount("\" 1\""),
        ["amount text with a comma"] = Amount("\"1,5\""),
        ["amount text NaN"] = Amount("\"NaN\""),
        ["amount text Infinity"] = Amount("\"Infinity\""),
        ["amount text in hexadecimal"] = Amount("\"0x10\""),
        ["amount text in Arabic digits"] = Amount("\"١\""),
        ["amount text with NUL"] = Amount("\"1\\u0000\""),
        ["amount text with half a surrogate pair"] = Amount("\"\\ud800\""),
        ["amount true"] = Amount("true"),
        ["amount array"] = Amount("[1]"),
        ["amount object"] = Amount("{}"),
        ["amount NaN"] = Amount("NaN"),
        ["amount with a leading zero"] = Amount("01"),
        ["amount with a plus"] = Amount("+1"),
        ["amount without digits before the point"] = Amount(".5"),
        ["unknown member"] = Post(Charge, """{"amount":1,"colour":"red"}""", "colour"),
        ["unknown member with an odd name"] = Post(Charge, """{"amount":1,"a b.c":1}""", "a b.c"),
        ["member in another case"] = Post(Charge, """{"Amount":1}""", "Amount"),
        ["member twice"] = Post(Charge, """{"amount":1,"amount":1}""", "amount"),
        ["member twice, once escaped"] = Post(Charge, """{"amount":1,"\u0061mount":1}""", "amount"),
        ["amount and operation"] = Post(Charge, """{"amount":1,"operation":"outline"}""", "amount"),
        ["usage without a model"] = Post(Charge, """{"operation":"outline","usage":{}}""", "usage"),
        ["quantities without an operation"] = Post(Charge, """{"amount":1,"quantities":{}}""", "quantities"),
        ["model without usage"] = Post(Charge, """{"model":"gpt-5.4"}""", "usage"),
        ["unknown operation"] = Post(Charge, """{"operation":"divination"}""", "operation"),
        ["service tier without a model"] = Post(Charge, """{"amount":1,"service_tier":"flex"}""", "service_tier"),
        ["unknown service tier"] = Post(Charge, """{"model":"gpt-5.4","usage":{"input_tokens":1},"service_tier":"scale"}""", "service_tier"),
        ["unknown model"] = Post(Charge, """{"model":"oracle","usage":{}}""", "model"),
        ["quantity missing"] = Post(Charge, """{"operation":"chapter"}""", "quantities.words"),
        ["quantity negative"] = Quantity("-1"),
        ["quantity above its limit"] = Quantity("50001"),
        ["quantity 1e400"] = Quantity("1e400"),
        ["quantity text"] = Quantity("\"5\""),
        ["quantity null"] = Quantity("null"),
        ["quantity unknown"] = Post(
            Charge, """{"operation":"chapter","quantities":{"words":1,"tears":1}}""", "quantities.tears"),
        ["quantity twice"] = Post(
            Charge, """{"operation":"chapter","quantities":{"words":1,"words":2}}""", "quantities.words"),
        ["usage negative"] = Usage("-1"),
        ["usage with a fraction"] = Usage("1.5"),
        ["usage beyond 64 bits"] = Usage("9223372036854775808"),
        ["usage that would overflow the price"] = Usage("9223372036854775807"),
        ["usage text"] = Usage("\"5\""),
        ["usage unknown"] = Post(Charge, """{"model":"gpt-5.4","usage":{"dreams":1}}""", "usage.dreams"),
        ["reason number"] = Post(Charge, """{"amount":1,"reason":5}""", "reason"),
        ["reason of 501 characters"] = Post(Charge, $$"""{"amount":1,"reason":"{{new string('x', 501)}}"}""", "reason"),
        ["reason with NUL"] = Post(Charge, """{"amount":1,"reason":"a\u0000b"}""", "reason"),
        ["reason with half a surrogate pair"] = Post(Charge, """{"amount":1,"reason":"\ud83d"}""", "reason"),
        ["reason with a raw NUL"] = Post(Charge, "{\"amount\":1,\"reason\":\"a\0b\"}", "reason"),
        ["reason with a raw line break"] = Post(Charge, "{\"amount\":1,\"reason\":\"a\nb\"}", "reason"),
        ["reason in bad UTF-8"] = Raw([.. "{\"amount\":1,\"reason\":\""u8, 0xC3, 0x28, .. "\"}"u8], "reason"),
        ["reason in overlong UTF-8"] = Raw([.. "{\"amount\":1,\"reason\":\""u8, 0xC0, 0xAF, .. "\"}"u8], "reason"),
        ["array for an object"] = Post(Charge, """[{"amount":1}]""", null),
        ["text for an object"] = Post(Charge, "\"amount\"", null),
        ["number for an object"] = Post(Charge, "1", null),
        ["null for an object"] = Post(Charge, "null", null),
        ["empty body"] = Post(Charge, "", null),
        ["blank body"] = Post(Charge, "  \r\n ", null),
        ["no body at all"] = Post(Charge, "", null) with { Body = null },
        ["truncated"] = Post(Charge, """{"amount":1""", "amount"),
        ["truncated in a text"] = Post(Charge, """{"amount":1,"reason":"a""", "reason"),
        ["trailing garbage"] = Post(Charge, """{"amount":1}}""", null),
        ["two objects"] = Post(Charge, """{"amount":1} {"amount":1}""", null),
        ["trailing comma"] = Post(Charge, """{"amount":1,}""", null),
        ["comment"] = Post(Charge, """{"amount":1/* one */}""", null),
        ["single quotes"] = Post(Charge, "{'amount':1}", null),
        ["form"] = Post(Charge, "amount=1", null) with { ContentType = "application/x-www-form-urlencoded" },
        ["wrong content type"] = Post(Charge, """{"amount":1}""", null) with { ContentType = "text/plain" },
        ["no content type"] = Post(Charge, """{"amount":1}""", null) with { ContentType = null },
        ["unknown charset"] = Post(Charge, """{"amount":1}""", null) with { ContentType = "application/json; charset=klingon" },
        ["wrong charset"] = Post(Charge, """{"amount":1}""", null) with { ContentType = "application/json; charset=utf-16" },
        ["seventeen deep"] = Post(Charge, $$"""{"amount":{{new string('[', 17)}}{{new string(']', 17)}}}""", "amount"),
        ["a hundred thousand deep"] = Post(Charge, new string('[', 100_000), null),
        ["deep in an unknown member"] = Post(Charge, $$"""{"x":{{new string('[', 400_000)}}""", "x"),
        ["body above 1 MB"] = Post(Charge, $$"""{"amount":1,"reason":"{{new string('x', 1_000_000)}}"}""", null) with
        {
            Status = 413, Type = "too_large",
        },
        ["body above 1 MB in chunks"] = Post(Charge, new string(' ', 1_000_001), null) with
        {
            Status = 413, Type = "too_large", Chunked = true,
        },
        ["key empty"] = Key(""),
        ["key of 256 characters"] = Key(new string('k', 256)),
        ["key with a letter beyond ASCII"] = Key("schlüssel"),
        ["hold without an amount"] = Post(Hold, "{}", "amount"),
        ["hold for no time"] = Post(Hold, """{"amount":1,"expires_in":0}""", "expires_in"),
        ["hold for longer than a day"] = Post(Hold, """{"amount":1,"expires_in":86401}""", "expires_in"),
        ["hold for a fraction of a second"] = Post(Hold, """{"amount":1,"expires_in":1.5}""", "expires_in"),
        ["hold for a text of seconds"] = Post(Hold, """{"amount":1,"expires_in":"60"}""", "expires_in"),
        ["hold for more than 32 bits"] = Post(Hold, """{"amount":1,"expires_in":4294967297}""", "expires_in"),
        ["capture of nothing said"] = Post(Capture, "{}", "amount"),
        ["capture of an amount in a service tier"] = Post(Capture, """{"amount":1,"service_tier":"flex"}""", "service_tier"),
        ["capture said twice"] = Post(Capture, """{"amount":1,"usage":{}}""", "amount"),
        ["capture negative"] = Post(Capture, """{"amount":-0.000001}""", "amount"),
        ["capture by usage of what was held as an amount"] = Post(Capture, """{"usage":{"input_tokens":1}}""", "usage"),
        ["capture of a grant"] = Missing("POST", "/v1/holds/{grant}/capture", """{"amount":1}"""),
        ["capture of no id"] = Missing("POST", "/v1/holds/1/capture", """{"amount":1}"""),
        ["capture of an id with a zero before"] = Missing("POST", "/v1/holds/{hold0}/capture", """{"amount":1}"""),
        ["capture of an id in upper case"] = Missing("POST", "/v1/holds/{HOLD}/capture", """{"amount":1}"""),
        ["capture of an unknown hold"] = Missing("POST", "/v1/holds/{hold}9/capture", """{"amount":1}"""),
        ["release of an unknown hold"] = Missing("POST", "/v1/holds/{hold}9/release", null),
        ["release with an amount"] = Post("/v1/holds/{hold}/release", """{"amount":1}""", "amount"),
        ["hold with a control character"] = Missing("GET", "/v1/holds/hld%01", null),
        ["hold of no id"] = Missing("GET", "/v1/holds/foo", null),
        ["call of no id"] = Missing("GET", "/v1/calls/call_foo", null),
        ["order of no id"] = Missing("GET", "/v1/orders/nope", null),
        ["balance of no id"] = Missing("GET", "/v1/customers/a%20b/balance", null),
        ["charge to no id"] = Missing("POST", "/v1/customers/a%20b/charges", """{"amount":1}"""),
        ["grant without a source"] = Post(Grant, """{"amount":1}""", "source"),
        ["grant from an unknown source"] = Post(Grant, """{"amount":1,"source":"lottery"}""", "source"),
        ["grant from a source in another case"] = Post(Grant, """{"amount":1,"source":"Purchase"}""", "source"),
        ["grant from a numbered source"] = Post(Grant, """{"amount":1,"source":"1"}""", "source"),
        ["grant of no priority"] = Post(Grant, """{"amount":1,"source":"purchase","priority":-1}""", "priority"),
        ["grant of too much priority"] = Post(Grant, """{"amount":1,"source":"purchase","priority":1001}""", "priority"),
        ["grant that expired"] = Expiring("2020-01-01T00:00:00Z"),
        ["grant that expires without a zone"] = Expiring("2030-01-01T00:00:00"),
        ["grant that expires on a day"] = Expiring("2030-01-01"),
        ["grant that expires never"] = Expiring("9999-12-31T23:59:59Z"),
        ["grant that expires on February 30th"] = Expiring("2030-02-30T00:00:00Z"),
        ["grant that expires at a number"] = Post(Grant, """{"amount":1,"source":"purchase","expires_at":1}""", "expires_at"),
        ["grant paid without a currency"] = Paid("""{"minor":1}""", "paid.currency"),
        ["grant paid without an amount"] = Paid("""{"currency":"usd"}""", "paid.minor"),
        ["grant paid less than nothing"] = Paid("""{"minor":-1,"currency":"usd"}""", "paid.minor"),
        ["grant paid in cents of cents"] = Paid("""{"minor":0.5,"currency":"usd"}""", "paid.minor"),
        ["grant paid in no currency"] = Paid("""{"minor":1,"currency":"USD"}""", "paid.currency"),
        ["grant paid with a tip"] = Paid("""{"minor":1,"currency":"usd","tip":1}""", "paid.tip"),
        ["grant paid by a list"] = Paid("[]", "paid"),
        ["grant to nobody"] = Missing("POST", "/v1/customers/nobody/grants", """{"amount":1,"source":"purchase"}"""),
        ["adjustment by nothing"] = Post($"{Ann}/adjustments", """{"amount":0,"reason":"r"}""", "amount"),
        ["adjustment without a reason"] = Post($"{Ann}/adjustments", """{"amount":1}""", "reason"),
        ["adjustment with an empty reason"] = Post($"{Ann}/adjustments", """{"amount":1,"reason":""}""", "reason"),
        ["reversal of nothing"] = Post($"{Ann}/reversals", """{"amount":0,"reason":"r"}""", "amount"),
        ["reversal of a hold"] = Post($"{Ann}/reversals", """{"amount":1,"reason":"r","grant":"{hold}"}""", "grant"),
        ["reversal of an unknown grant"] = Missing(
            "POST", $"{Ann}/reversals", """{"amount":1,"reason":"r","grant":"{grant}9"}""") with { Param = "grant" },
        ["customer with a number for a name"] = Customer("""{"name":1}""", "name"),
        ["customer with a name of 201 characters"] = Customer($$"""{"name":"{{new string('x', 201)}}"}""", "name"),
        ["customer with an email of 321 characters"] = Customer($$"""{"email":"{{new string('x', 321)}}"}""", "email"),
        ["customer with a list of metadata"] = Customer("""{"metadata":[]}""", "metadata"),
        ["customer with a number in metadata"] = Customer("""{"metadata":{"a":1}}""", "metadata.a"),
        ["customer with null in metadata"] = Customer("""{"metadata":{"a":null}}""", "metadata.a"),
        ["customer with an empty name in metadata"] = Customer("""{"metadata":{"":"a"}}""", "metadata"),
        ["customer with NUL in metadata"] = Customer("""{"metadata":{"a\u0000":"a"}}""", "metadata"),
        ["customer with half a surrogate pair in metadata"] = Customer("""{"metadata":{"\udc00":"a"}}""", "metadata"),
        ["customer with 51 metadata"] = Customer(
            $$$"""{"metadata":{ {{{string.Join(',', Enumerable.Range(0, 51).Select(i => $"\"m{i}\":\"\""))}}} }}""", "metadata"),
        ["customer without a body"] = Customer("", null),
        ["customer with a space"] = Customer("{}", "customer", "/v1/customers/a%20b"),
        ["customer with a slash"] = Customer("{}", "customer", "/v1/customers/a%2Fb"),
        ["customer beyond ASCII"] = Customer("{}", "customer", "/v1/customers/%C3%A9"),
        ["customer in bad UTF-8"] = Customer("{}", "customer", "/v1/customers/%FF"),
        ["customer with a line break"] = Customer("{}", "customer", "/v1/customers/a%0A"),
        ["customer of 129 characters"] = Customer("{}", "customer", $"/v1/customers/{new string('a', 129)}"),
        ["frozen for too many reasons"] = Customer($$"""{"reason":"{{new string('x', 501)}}"}""", "reason", $"{Ann}/freeze"),
        ["nobody frozen"] = Missing("PUT", "/v1/customers/nobody/freeze", "{}"),
        ["bulk of nothing"] = Post("/v1/charges", "{}", "charges"),
        ["bulk of null"] = Post("/v1/charges", """{"charges":null}""", "charges"),
        ["bulk with a quoted charset of another name"] = Post("/v1/charges", "{}", null) with
        {
            ContentType = "application/json; charset=\"latin1\"",
        },
        ["bulk of no charge"] = Post("/v1/charges", """{"charges":[]}""", "charges"),
        ["bulk of an object"] = Post("/v1/charges", """{"charges":{}}""", "charges"),
        ["bulk of numbers"] = Post("/v1/charges", """{"charges":[1]}""", "charges[0]"),
        ["bulk of null members"] = Post("/v1/charges", """{"charges":[null]}""", "charges[0]"),
        ["bulk with an unknown member"] = Post("/v1/charges", """{"charges":[{"x":1}]}""", "charges[0].x"),
        ["bulk of 1,001"] = Post(
            "/v1/charges", $$"""{"charges":[{{string.Join(',', Enumerable.Repeat("{}", 1_001))}}]}""", "charges"),
        ["bulk with a key of 256 characters"] = Post("/v1/charges", """{"charges":[{}]}""", "Idempotency-Key") with
        {
            Key = new('k', 256),
        },
        ["estimate of an amount"] = Post("/v1/estimates", """{"amount":1}""", "amount"),
        ["estimate of nothing"] = Post("/v1/estimates", "{}", "operation"),
        ["estimate for no id"] = Post("/v1/estimates", """{"operation":"outline","customer":"a b"}""", "customer"),
        ["estimate for nobody"] = Missing("POST", "/v1/estimates", """{"operation":"outline","customer":"nobody"}"""),
        ["server key without a name"] = Post("/v1/server-keys", "{}", "name"),
        ["server key of no id"] = Missing("DELETE", "/v1/server-keys/1", null),
        ["limit zero"] = Read("/v1/customers?limit=0", "limit"),
        ["limit 501"] = Read($"{Ann}/entries?limit=501", "limit"),
        ["limit negative"] = Read($"{Ann}/grants?limit=-1", "limit"),
        ["limit word"] = Read($"{Ann}/entries?limit=all", "limit"),
        ["limit with a fraction"] = Read($"{Ann}/entries?limit=1.0", "limit"),
        ["limit empty"] = Read($"{Ann}/entries?limit=", "limit"),
        ["limit beyond 32 bits"] = Read($"{Ann}/entries?limit=4294967297", "limit"),
        ["limit with NUL"] = Read($"{Ann}/entries?limit=1%00", "limit"),
        ["limit twice"] = Read($"{Ann}/entries?limit=1&limit=2", "limit"),
        ["after NUL"] = Read("/v1/customers?after=%00", "after"),
        ["after NUL in an id"] = Read($"{Ann}/entries?after=ent_%00", "after"),
        ["after nothing"] = Read("/v1/customers?after=", "after"),
        ["after a number"] = Read($"{Ann}/entries?after=5", "after"),
        ["after a hold"] = Read($"{Ann}/entries?after={{hold}}", "after"),
        ["after no grant"] = Read($"{Ann}/grants?after=x", "after"),
        ["entries after another's"] = Read($"{Ann}/entries?after=ent_{Other}_2", "after"),
        ["grants after another's"] = Read($"{Ann}/grants?after=ent_{Other}_2", "after"),
        ["calls after another's"] = Read($"{Ann}/calls?after=call_{Other}_2", "after"),
        ["uncharged after another's"] = Read($"/v1/uncharged?customer=ann&after=ent_{Other}_2", "after"),
        ["usage to the beginning of time"] = Read($"{Ann}/usage?to=0001-01-05", "to"),
        ["usage from the last century"] = Read($"{Ann}/usage?from=1999-12-31&to=2000-01-05", "from"),
        ["usage to no day"] = Read($"{Ann}/usage?to=soon", "to"),
        ["usage from behind its end"] = Read($"{Ann}/usage?from=2026-01-02&to=2026-01-01", "from"),
        ["journal to the beginning of time"] = Read("/v1/journal?to=0001-01-05", "to"),
        ["journal of 402 days"] = Read("/v1/journal?from=2025-01-01&to=2026-02-06", "from"),
        ["audit of NUL"] = Read("/v1/audit?actor=%00", "actor"),
        ["audit of two"] = Read("/v1/audit?actor=a&actor=b", "actor"),
        ["alerts of NUL"] = Read("/v1/alerts?state=%00", "state"),
        ["uncharged of NUL"] = Read("/v1/uncharged?state=%00", "state"),
        ["uncharged of a customer with NUL"] = Read("/v1/uncharged?customer=ann%00", "customer"),
        ["calls of a key with NUL"] = Read($"{Ann}/calls?key=%00", "key"),
        ["usage grouped by NUL"] = Read($"{Ann}/usage?group_by=%00", "group_by"),
        ["webhook events of NUL"] = Read("/v1/webhook-events?state=%00", "state"),
        ["no key"] = Unauthorized(null),
        ["empty key"] = Unauthorized("Bearer "),
        ["wrong key"] = Unauthorized("Bearer wrong"),
        ["key of authorization beyond ASCII"] = Unauthorized("Bearer ключ"),
        ["key without a scheme"] = Unauthorized(Given.AdminKey),
        ["key of another scheme"] = Unauthorized($"Basic {Given.AdminKey}"),
        ["key with more behind it"] = Unauthorized($"Bearer {Given.AdminKey} x"),
        ["unknown route"] = Missing("GET", "/v1/nothing", null),
        ["unknown route below a customer"] = Missing("POST", $"{Ann}/gifts", "{}"),
        ["method that a route does not have"] = Missing("DELETE", Ann, null),
        ["POST where PUT is meant"] = Missing("POST", Ann, "{}"),
        ["GET where POST is meant"] = Missing("GET", Charge, null),
        ["method that nobody has"] = Missing("BREW", Ann, null),
    };

    static BadRequest Post(string path, string body, string? param) =>
        new("POST", path, Encoding.UTF8.GetBytes(body), 400, "invalid_request", param);

    static BadRequest Raw(byte[] body, string? param) => Post(Charge, "", param) with { Body = body };

    static BadRequest Amount(string json) => Post(Charge, $$"""{"amount":{{json}}}""", "amount");

    static BadRequest Quantity(string json) => Post(
        Charge, $$$"""{"operation":"chapter","quantities":{"words":{{{json}}}}}""", "quantities.words");

    static BadRequest Usage(string json) => Post(
        Charge, $$$"""{"model":"gpt-5.4","usage":{"input_tokens":{{{json}}}}}""", "usage.input_tokens");

    static BadRequest Expiring(string at) => Post(
        Grant, $$"""{"amount":1,"source":"purchase","expires_at":"{{at}}"}""", "expires_at");

    static BadRequest Paid(string json, string param) => Post(
        Grant, $$"""{"amount":1,"source":"purchase","paid":{{json}}}""", param);

    static BadRequest Key(string key) => Post(Charge, """{"amount":1}""", "Idempotency-Key") with { Key = key };

    static BadRequest Customer(string body, string? param, string path = "/v1/customers/eve") =>
        Post(path, body, param) with { Method = "PUT" };

    static BadRequest Read(string path, string param) => new("GET", path, null, 400, "invalid_request", param);

    static BadRequest Missing(string method, string path, string? body) =>
        new(method, path, body is null ? null : Encoding.UTF8.GetBytes(body), 404, "not_found", null);

    static BadRequest Unauthorized(string? authorization) =>
        Post(Charge, """{"amount":1}""", null) with { Status = 401, Type = "unauthorized", Authorization = authorization };
}
