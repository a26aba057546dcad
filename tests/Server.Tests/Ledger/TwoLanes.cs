using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Core;
using Purser.Core.Ledger;
using Purser.Server.Ledger;
using Purser.Server.Platform;

namespace Purser.Server.Tests.Ledger;

/// <summary>Two servers in this process, on one database and one clock, whose lanes are called directly.</summary>
public sealed class TwoLanes : IAsyncLifetime
{
    WebApplication other = null!;

    internal App App { get; } = new();

    internal Lanes[] Lanes { get; private set; } = [];

    internal Db Db => App.Services.GetRequiredService<Db>();

    internal DateTimeOffset Now => App.Time.GetUtcNow();

    public async ValueTask InitializeAsync()
    {
        await App.InitializeAsync();
        other = await App.Build(Given.Settings);
        await other.StartAsync();
        Lanes = [App.Services.GetRequiredService<Lanes>(), other.Services.GetRequiredService<Lanes>()];
    }

    public async ValueTask DisposeAsync()
    {
        await other.StopAsync();
        await other.DisposeAsync();
        await App.DisposeAsync();
    }

    internal async Task<WalletId> GivenWallet(decimal credits) =>
        WalletId.Of(CustomerId.Parse(await App.Purser.GivenCustomer(credits), null));

    /// <summary>Of the first server, and without a key.</summary>
    internal Task<Outcome> Run(WalletId wallet, Command command, Rider? rider = null) => Lanes[0].Run(wallet, command, null, Now, rider);

    internal async Task<Receipt> Done(WalletId wallet, Command command, Rider? rider = null) =>
        Assert.IsType<Outcome.Done>(await Run(wallet, command, rider)).Receipt;

    internal static Command.PlaceHold Hold(decimal amount, Id<Budget>? budget = null) =>
        new(Credits.Of(amount), TimeSpan.FromMinutes(10), null, null, null, Budget: budget);

    internal static Command.Capture Capture(Receipt hold, decimal amount) => new(hold.Hold!.Value, Credits.Of(amount), null);
}
