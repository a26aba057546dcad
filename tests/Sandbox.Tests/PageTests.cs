using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.Tests;

/// <summary>The pages as a browser uses them: forms are posted, redirects followed one at a time.</summary>
public sealed class PageTests(Sandbox sandbox) : IDisposable
{
    readonly string key = Sandbox.NewKey();
    readonly HttpClient browser = new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = sandbox.Url };

    [Fact]
    public async Task A_person_buys_with_a_good_card_and_is_sent_back_to_the_shop()
    {
        var session = await Session();
        var page = await Page($"/pay/{session}");
        Assert.Contains("Credits &lt;b&gt;", page, StringComparison.Ordinal);
        Assert.Contains("$20.00", page, StringComparison.Ordinal);

        var answer = await Submit($"/pay/{session}", Card("4242 4242 4242 4242"));

        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Equal($"https://shop.test/ok?s={session}", answer.Headers.Location!.ToString());
        Assert.Equal("paid",
            (await Api(HttpMethod.Get, $"checkout/sessions/{session}"))["payment_status"]!.GetValue<string>());
        Assert.Contains("all done", await Page($"/pay/{session}"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4000000000000002", "Your card was declined.")]
    [InlineData("4000000000009995", "Your card has insufficient funds.")]
    [InlineData("4242424242424241", "Your card number is incorrect.")]
    [InlineData("", "Your card number is incomplete.")]
    public async Task A_card_that_does_not_pay_is_explained_and_another_may_be_tried(string number, string said)
    {
        var session = await Session();
        var refused = await Submit($"/pay/{session}", Card(number));

        Assert.Equal(HttpStatusCode.PaymentRequired, refused.StatusCode);
        Assert.Contains(said, await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await Submit($"/pay/{session}", Card("4242424242424242"))).StatusCode);
    }

    [Theory]
    [InlineData("complete", "paid")]
    [InlineData("fail", "unpaid")]
    public async Task A_challenge_is_a_page_of_its_own(string answer, string status)
    {
        var session = await Session();
        var asked = await Submit($"/pay/{session}", Card("4000000000003220"));
        var challenge = asked.Headers.Location!.ToString();
        Assert.StartsWith("/3ds/pi_", challenge, StringComparison.Ordinal);
        Assert.Contains("3D Secure", await Page(challenge), StringComparison.Ordinal);

        var back = await Submit(challenge, new() { ["answer"] = answer });

        Assert.Equal(answer == "complete" ? $"https://shop.test/ok?s={session}" : $"/pay/{session}",
            back.Headers.Location!.ToString());
        Assert.Equal(status,
            (await Api(HttpMethod.Get, $"checkout/sessions/{session}"))["payment_status"]!.GetValue<string>());
        if (answer == "fail")
        {
            Assert.Contains("failed authentication", await Page($"/pay/{session}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_shop_hears_of_a_purchase_before_its_customer_is_back()
    {
        using var hook = new Hook(TimeSpan.FromSeconds(1));
        await Api(HttpMethod.Post, "webhook_endpoints",
            $"url={Uri.EscapeDataString(hook.Url)}&enabled_events[]=checkout.session.completed");
        var session = await Session();

        var back = await Submit($"/pay/{session}", Card("4242424242424242"));

        Assert.Equal($"https://shop.test/ok?s={session}", back.Headers.Location!.ToString());
        Assert.Contains(session, hook.Heard.Keys);
    }

    [Fact]
    public async Task A_promotion_code_is_typed_in_on_the_page()
    {
        var coupon = await Api(HttpMethod.Post, "coupons", "percent_off=25&duration=once&name=Spring");
        await Api(HttpMethod.Post, "promotion_codes", $"promotion[type]=coupon&promotion[coupon]={coupon["id"]}&code=SPRING");
        var session = await Session("&allow_promotion_codes=true");

        var wrong = await Submit($"/pay/{session}/promotion", new() { ["promotionCode"] = "WINTER" });
        Assert.Equal(HttpStatusCode.PaymentRequired, wrong.StatusCode);
        Assert.Contains("This code is invalid.", await wrong.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await Submit($"/pay/{session}/promotion", new() { ["promotionCode"] = "spring" })).StatusCode);
        Assert.Contains("-$5.00", await Page($"/pay/{session}"), StringComparison.Ordinal);
        await Submit($"/pay/{session}", Card("4242424242424242"));

        var paid = await Api(HttpMethod.Get, $"checkout/sessions/{session}?expand[]=payment_intent");
        Assert.Equal(1500, paid["payment_intent"]!["amount_received"]!.GetValue<int>());
    }

    [Fact]
    public async Task What_a_session_wants_to_know_is_asked_for()
    {
        var session = await Session("&phone_number_collection[enabled]=true&consent_collection[terms_of_service]=required");
        var card = Card("4242424242424242");
        Assert.Contains("phone number is incomplete", await Refused($"/pay/{session}", card), StringComparison.Ordinal);
        card["phoneNumber"] = "+49 1";
        Assert.Contains("terms of service", await Refused($"/pay/{session}", card), StringComparison.Ordinal);
        card["termsOfServiceConsentCheckbox"] = "on";
        Assert.Equal(HttpStatusCode.SeeOther, (await Submit($"/pay/{session}", card)).StatusCode);

        var paid = await Api(HttpMethod.Get, $"checkout/sessions/{session}");
        Assert.Equal("+49 1", paid["customer_details"]!["phone"]!.GetValue<string>());
        Assert.Equal("accepted", paid["consent"]!["terms_of_service"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_invoice_can_be_paid_on_its_page_and_downloaded()
    {
        var customer = (await Api(HttpMethod.Post, "customers", "name=Zo%C3%AB"))["id"]!.GetValue<string>();
        await Api(HttpMethod.Post, "invoiceitems", $"customer={customer}&amount=700&currency=eur&description=Extra");
        var draft = await Api(HttpMethod.Post, "invoices", $"customer={customer}&pending_invoice_items_behavior=include&currency=eur");
        var open = await Api(HttpMethod.Post, $"invoices/{draft["id"]}/finalize", "");
        var path = new Uri(open["hosted_invoice_url"]!.GetValue<string>()).AbsolutePath;

        Assert.Contains("Pay €7.00", await Page(path), StringComparison.Ordinal);
        Assert.Contains("declined", await Refused(path, Card("4000000000000002")), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.SeeOther, (await Submit(path, Card("4242424242424242"))).StatusCode);
        Assert.Contains("Visa •••• 4242", await Page(path), StringComparison.Ordinal);

        using var file = await browser.GetAsync(new Uri(open["invoice_pdf"]!.GetValue<string>()), TestContext.Current.CancellationToken);
        Assert.Equal("application/pdf", file.Content.Headers.ContentType!.MediaType);
        var pdf = System.Text.Encoding.Latin1.GetString(await file.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.StartsWith("%PDF-", pdf, StringComparison.Ordinal);
        Assert.Contains("(To: Zoë)", pdf, StringComparison.Ordinal);
        // The euro has a place of its own in the encoding of PDF's fonts.
        Assert.Contains("\\2007.00", pdf, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_session_says_so()
    {
        var session = await Session();
        await Api(HttpMethod.Post, $"checkout/sessions/{session}/expire", "");
        Assert.Contains("has expired", await Page($"/pay/{session}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_that_is_not_there_is_404()
    {
        foreach (var path in new[] { "/pay/cs_test_none", "/portal/bps_none", "/3ds/pi_none", "/invoice/in_none",
            "/receipts/ch_none" })
        {
            Assert.Equal(HttpStatusCode.NotFound,
                (await browser.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode);
        }
    }

    [Fact]
    public async Task A_customer_manages_the_subscription_in_the_portal()
    {
        var (customer, subscription, better) = await Subscribed();
        var update = $"features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][]=price"
            + $"&features[subscription_update][proration_behavior]=always_invoice&features[subscription_update][products][0][product]={better["product"]}"
            + $"&features[subscription_update][products][0][prices][0]={better["id"]}";
        var configuration = await Api(HttpMethod.Post, "billing_portal/configurations",
            $"features[subscription_cancel][enabled]=true&features[payment_method_update][enabled]=true&features[invoice_history][enabled]=true&{update}");
        var session = await Api(HttpMethod.Post, "billing_portal/sessions",
            $"customer={customer}&configuration={configuration["id"]}&return_url=https%3A%2F%2Fshop.test%2Faccount");
        var portal = new Uri(session["url"]!.GetValue<string>()).AbsolutePath;

        Assert.Contains("https://shop.test/account", await Page(portal), StringComparison.Ordinal);
        await Submit($"{portal}/plan",
            new() { ["subscription"] = subscription, ["price"] = better["id"]!.GetValue<string>() });
        var changed = await Api(HttpMethod.Get, $"subscriptions/{subscription}");
        Assert.Equal(better["id"]!.GetValue<string>(),
            changed["items"]!["data"]![0]!["price"]!["id"]!.GetValue<string>());

        await Submit($"{portal}/cancel", new() { ["subscription"] = subscription });
        Assert.NotNull((await Api(HttpMethod.Get, $"subscriptions/{subscription}"))["cancel_at"]);
        Assert.Contains("Don't cancel subscription", await Page(portal), StringComparison.Ordinal);
        await Submit($"{portal}/keep", new() { ["subscription"] = subscription });
        Assert.Null((await Api(HttpMethod.Get, $"subscriptions/{subscription}"))["cancel_at"]);

        Assert.Equal(HttpStatusCode.PaymentRequired,
            (await Submit($"{portal}/card", Card("4000000000000002"))).StatusCode);
        Assert.Equal(HttpStatusCode.SeeOther, (await Submit($"{portal}/card", Card("5555555555554444"))).StatusCode);
        Assert.Contains("Mastercard •••• 4444", await Page(portal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_portal_says_what_a_change_costs_and_asks_before_it_cancels()
    {
        var (customer, subscription, better) = await Subscribed();
        var configuration = await Api(HttpMethod.Post, "billing_portal/configurations",
            "features[subscription_cancel][enabled]=true&features[subscription_cancel][cancellation_reason][enabled]=true"
            + "&features[subscription_cancel][cancellation_reason][options][]=too_expensive&features[subscription_update][enabled]=true"
            + "&features[subscription_update][default_allowed_updates][]=price&features[subscription_update][proration_behavior]=always_invoice"
            + $"&features[subscription_update][products][0][product]={better["product"]}&features[subscription_update][products][0][prices][0]={better["id"]}");
        var session = await Api(HttpMethod.Post, "billing_portal/sessions", $"customer={customer}&configuration={configuration["id"]}");
        var portal = new Uri(session["url"]!.GetValue<string>()).AbsolutePath;

        Assert.Contains($"plan?subscription={subscription}&price={better["id"]}", await Page($"{portal}/plan?subscription={subscription}"),
            StringComparison.Ordinal);
        var confirm = await Page($"{portal}/plan?subscription={subscription}&price={better["id"]}");
        Assert.Contains("Amount due today", confirm, StringComparison.Ordinal);
        Assert.Contains("$30.00", confirm, StringComparison.Ordinal);
        Assert.Single((await Api(HttpMethod.Get, $"invoices?subscription={subscription}"))["data"]!.AsArray());

        Assert.Contains("too expensive", await Page($"{portal}/cancel?subscription={subscription}"), StringComparison.Ordinal);
        await Submit($"{portal}/cancel", new() { ["subscription"] = subscription, ["feedback"] = "too_expensive" });
        var canceled = await Api(HttpMethod.Get, $"subscriptions/{subscription}");
        Assert.Equal("too_expensive", canceled["cancellation_details"]!["feedback"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_portal_flow_begins_at_its_step_and_ends_where_it_should()
    {
        var (customer, subscription, _) = await Subscribed();
        var session = await Api(HttpMethod.Post, "billing_portal/sessions",
            $"customer={customer}&flow_data[type]=subscription_cancel&flow_data[subscription_cancel][subscription]={subscription}"
            + "&flow_data[after_completion][type]=redirect&flow_data[after_completion][redirect][return_url]=https%3A%2F%2Fshop.test%2Fgone");
        var portal = new Uri(session["url"]!.GetValue<string>()).AbsolutePath;

        Assert.Contains("Cancel your subscription", await Page(portal), StringComparison.Ordinal);
        var done = await Submit($"{portal}/cancel", new() { ["subscription"] = subscription });

        Assert.Equal("https://shop.test/gone", done.Headers.Location!.ToString());
        Assert.Contains("Don't cancel subscription", await Page(portal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_portal_allows_only_what_its_configuration_allows()
    {
        var (customer, subscription, better) = await Subscribed();
        var session = await Api(HttpMethod.Post, "billing_portal/sessions", $"customer={customer}");
        var portal = new Uri(session["url"]!.GetValue<string>()).AbsolutePath;

        var refused = await Submit($"{portal}/plan",
            new() { ["subscription"] = subscription, ["price"] = better["id"]!.GetValue<string>() });

        Assert.Equal(HttpStatusCode.PaymentRequired, refused.StatusCode);
        var unchanged = await Api(HttpMethod.Get, $"subscriptions/{subscription}");
        Assert.NotEqual(better["id"]!.GetValue<string>(),
            unchanged["items"]!["data"]![0]!["price"]!["id"]!.GetValue<string>());
    }

    async Task<(string Customer, string Subscription, JsonNode Better)> Subscribed()
    {
        var customer = (await Api(HttpMethod.Post, "customers",
            "email=ada%40example.com&payment_method=pm_card_visa"))["id"]!.GetValue<string>();
        var method = (await Api(HttpMethod.Get,
            $"customers/{customer}/payment_methods"))["data"]![0]!["id"]!.GetValue<string>();
        var price = await Price("recurring[interval]=month");
        var better = await Price("recurring[interval]=month", 5000);
        var made = await Api(HttpMethod.Post, "subscriptions",
            $"customer={customer}&items[0][price]={price["id"]}&default_payment_method={method}");
        return (customer, made["id"]!.GetValue<string>(), better);
    }

    async Task<string> Session(string more = "")
    {
        var price = await Price("nickname=one");
        var session = await Api(HttpMethod.Post, "checkout/sessions",
            $"mode=payment&line_items[0][price]={price["id"]}&line_items[0][quantity]=1"
            + "&success_url=https%3A%2F%2Fshop.test%2Fok%3Fs%3D{CHECKOUT_SESSION_ID}&cancel_url=https%3A%2F%2Fshop.test%2Fback"
            + more);
        return session["id"]!.GetValue<string>();
    }

    Task<JsonNode> Price(string more, int amount = 2000) =>
        Api(HttpMethod.Post, "prices", $"currency=usd&unit_amount={amount}&product_data[name]=Credits+%3Cb%3E&{more}");

    static Dictionary<string, string> Card(string number) => new()
    {
        ["email"] = "ada@example.com",
        ["cardNumber"] = number,
        ["cardExpiry"] = "12 / 34",
        ["cardCvc"] = "123",
        ["billingName"] = "Ada",
        ["billingCountry"] = "DE",
    };

    async Task<string> Page(string path)
    {
        using var response = await browser.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal("text/html", response.Content.Headers.ContentType!.MediaType);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    Task<HttpResponseMessage> Submit(string path, Dictionary<string, string> fields) =>
        browser.PostAsync(path, new FormUrlEncodedContent(fields), TestContext.Current.CancellationToken);

    async Task<string> Refused(string path, Dictionary<string, string> fields)
    {
        using var answer = await Submit(path, fields);
        Assert.Equal(HttpStatusCode.PaymentRequired, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    async Task<JsonNode> Api(HttpMethod method, string path, string? form = null)
    {
        using var request = new HttpRequestMessage(method, $"/v1/{path}");
        request.Headers.Authorization = new("Bearer", key);
        if (form is not null)
        {
            request.Content = new StringContent(form, new MediaTypeHeaderValue("application/x-www-form-urlencoded"));
        }
        using var response = await browser.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    public void Dispose() => browser.Dispose();
}
