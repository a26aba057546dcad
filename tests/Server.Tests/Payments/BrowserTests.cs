using Microsoft.Playwright;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Payments;

/// <summary>A person with a browser, from the checkout's address to the credits.</summary>
public sealed class BrowserTests(Shop shop) : IClassFixture<Shop>, IAsyncLifetime
{
    static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    readonly TestFolder profile = new();
    IPlaywright playwright = null!;
    IBrowserContext browser = null!;

    public async ValueTask InitializeAsync()
    {
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchPersistentContextAsync(profile.Path, new()
        {
            ExecutablePath = Find(),
            Headless = true,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            ],
        });
        browser.SetDefaultTimeout(60_000);
    }

    public async ValueTask DisposeAsync()
    {
        await browser.CloseAsync();
        playwright.Dispose();
        profile.Dispose();
    }

    [Fact]
    public async Task A_package_is_bought_on_the_page()
    {
        var (customer, order, page) = await Open("""{"package":"starter"}""");

        await Pay(page, "4242 4242 4242 4242");
        await Arrives(page, "**/health/live");

        await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_card_that_is_declined_says_so_and_another_one_pays()
    {
        var (customer, order, page) = await Open("""{"package":"starter"}""");

        await Pay(page, "4000 0000 0000 0002");
        await page.GetByText("declined").First.WaitForAsync();
        Assert.Equal(("open", 0m), ((await shop.Order(order)).Text("state"), await shop.Balance(customer)));

        await Pay(page, "4242 4242 4242 4242");
        await Arrives(page, "**/health/live");
        await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task The_bank_asks_and_is_answered()
    {
        var (customer, order, page) = await Open("""{"package":"starter"}""");

        await Pay(page, "4000 0000 0000 3220");
        await page.ClickAsync("#test-source-fail-3ds");
        await Arrives(page, "**/pay/**");
        Assert.Equal(0m, await shop.Balance(customer));

        await Pay(page, "4000 0000 0000 3220");
        await page.ClickAsync("#test-source-authorize-3ds");
        await Arrives(page, "**/health/live");
        await Eventually.Holds(async () => (await shop.Order(order)).Text("state") == "paid");
        Assert.Equal(9_990m, await shop.Balance(customer));
    }

    [Fact]
    public async Task A_plan_is_subscribed_to_on_the_page()
    {
        var (customer, _, page) = await Open("""{"plan":"enterprise","interval":"month"}""");

        await Pay(page, "4242 4242 4242 4242");
        await Arrives(page, "**/health/live");

        await Eventually.Holds(async () => await shop.Balance(customer) == 260_000m);
    }

    async Task<(string Customer, string Order, IPage Page)> Open(string what)
    {
        var customer = await shop.GivenCustomer();
        var thanks = new Uri(shop.Client.BaseAddress!, "/health/live");
        var checkout = await shop.Client.Post(
            $"/v1/customers/{customer}/checkout",
            what.TrimEnd('}') + $$""","success_url":"{{thanks}}","cancel_url":"{{thanks}}"}""");
        Assert.True(checkout.Status == 201, checkout.ToString());
        var page = await browser.NewPageAsync();
        await page.GotoAsync(checkout.Text("url"), new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        return (customer, checkout.Text("order"), page);
    }

    /// <summary>The address is what matters: what the page behind it still loads is nobody's concern here.</summary>
    static Task Arrives(IPage page, string url) =>
        page.WaitForURLAsync(url, new() { WaitUntil = WaitUntilState.Commit });

    static async Task Pay(IPage page, string card)
    {
        await page.FillAsync("#cardNumber", card);
        await page.FillAsync("#cardExpiry", "12 / 34");
        await page.FillAsync("#cardCvc", "123");
        await page.FillAsync("#billingName", "Ann Ödegård");
        await page.ClickAsync("#pay");
    }

    static string Find() =>
        (from name in Names
         from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
         let program = Path.Combine(folder, name)
         where File.Exists(program)
         select program).FirstOrDefault()
        ?? throw new InvalidOperationException(
            "No browser was found: install Chromium (apt-get install chromium), or let ./purser test do it as root.");
}
