using Purser.Server.Tests.Ledger;

namespace Purser.Server.Tests.Identity;

public sealed class CustomerTests(App app) : IClassFixture<App>
{
    static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_customer_that_is_put_can_be_read()
    {
        var put = await app.Client.Put(
            "/v1/customers/ann@example.com", """{"name":"Ann","email":"ann@example.com","metadata":{"Plan A":"é ' 漢"}}""");
        var got = await app.Client.Read("/v1/customers/ann@example.com");

        Assert.Equal((200, 200), (put.Status, got.Status));
        Assert.Equal(["created_at", "email", "id", "metadata", "name", "updated_at"], put.Members);
        Assert.Equal(put.Body, got.Body);
        Assert.Equal("é ' 漢", got.Json.GetProperty("metadata").GetProperty("Plan A").GetString());
    }

    [Theory]
    [InlineData("a")]
    [InlineData("A-Z_0.9:x@y")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456X")]
    public async Task Any_id_of_the_product_will_do(string id)
    {
        await app.Purser.Customers.PutAsync(id, new(), Ct);
        await app.Purser.Grants.CreateAsync(id, Wallets.Bought(1), Ct);

        Assert.Equal(1, (await app.Purser.Balances.GetAsync(id, Ct)).Balance);
    }

    [Fact]
    public async Task Ids_that_differ_in_case_are_different_customers()
    {
        await app.Purser.Customers.PutAsync("Case", new() { Name = "Upper" }, Ct);
        await app.Purser.Customers.PutAsync("case", new() { Name = "Lower" }, Ct);

        Assert.Equal("Upper", (await app.Purser.Customers.GetAsync("Case", Ct)).Name);
    }

    [Fact]
    public async Task What_is_put_again_replaces_what_was_there_and_keeps_the_credits()
    {
        var customer = await app.Purser.GivenCustomer(10);
        await app.Purser.Customers.PutAsync(customer, new() { Name = "Ann", Metadata = new() { ["a"] = "b" } }, Ct);
        app.Time.Advance(TimeSpan.FromMinutes(1));

        var replaced = await app.Client.Put($"/v1/customers/{customer}", """{"email":"ann@example.com"}""");

        Assert.Equal(["created_at", "email", "id", "metadata", "updated_at"], replaced.Members);
        Assert.Equal("{}", replaced.Json.GetProperty("metadata").GetRawText());
        Assert.NotEqual(replaced.Text("created_at"), replaced.Text("updated_at"));
        Assert.Equal(10, (await app.Purser.Balances.GetAsync(customer, Ct)).Balance);
    }

    [Fact]
    public async Task Customers_are_listed_by_id_page_by_page()
    {
        string[] ids = ["list:B", "list:a", "list:b", "list:c", "list:c2"];
        foreach (var id in ids) await app.Purser.Customers.PutAsync(id, new(), Ct);

        var first = await app.Client.Read("/v1/customers?after=list:&limit=3");
        var listed = await app.Purser.Customers.ListAsync("list:", pageSize: 2, cancellationToken: Ct)
            .Take(5).Select(customer => customer.Id).ToListAsync(Ct);

        Assert.Equal(["data", "has_more"], first.Members);
        Assert.Equal(3, first.Json.GetProperty("data").GetArrayLength());
        Assert.True(first.Json.GetProperty("has_more").GetBoolean());
        Assert.Equal(ids, listed);
    }

    [Fact]
    public async Task A_customer_that_nobody_put_is_not_found()
    {
        var answer = await app.Client.Read("/v1/customers/nobody");

        Assert.Equal((404, "not_found"), (answer.Status, answer.Error.GetProperty("type").GetString()));
    }
}
