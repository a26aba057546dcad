using Purser.Server.Ledger;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>./purser stripe …: against the Stripe that the environment names, with the server's own parts.</summary>
static class StripeCommands
{
    public static Task<int> Setup(Settings settings, string? url, CancellationToken ct) => With(settings, async app =>
    {
        await app.GetRequiredService<StripeSetup>().Run(url, Console.Out, ct);
        return 0;
    }, ct);

    public static Task<int> Check(Settings settings, string? url, CancellationToken ct) => With(settings, async app =>
    {
        var setup = app.GetRequiredService<StripeSetup>();
        string[] differences = [.. await setup.Check(url, ct), .. await setup.CheckConfigured(app.GetRequiredService<StripeAccess>().Prices, ct)];
        foreach (var line in differences) Console.WriteLine(line);
        if (differences.Length == 0) Console.WriteLine("Stripe and the catalog agree.");
        return differences.Length == 0 ? 0 : 1;
    }, ct);

    public static Task<int> Reconcile(Settings settings, CancellationToken ct) => With(settings, async app =>
    {
        var lanes = app.GetRequiredService<Lanes>();
        await lanes.StartAsync(ct);
        try
        {
            var differences = await app.GetRequiredService<Reconciliation>().RunNow(Console.WriteLine, ct);
            Console.WriteLine(differences switch
            {
                0 => "Nothing differs.",
                1 => "1 difference.",
                _ => $"{differences} differences.",
            });
            return 0;
        }
        finally
        {
            await lanes.StopAsync(CancellationToken.None);
        }
    }, ct);

    static async Task<int> With(Settings settings, Func<IServiceProvider, Task<int>> work, CancellationToken ct)
    {
        settings = await WithStripe(settings, ct);
        await using var database = await Database.Open(settings, Commands.Say, ct);
        Microsoft.AspNetCore.Builder.WebApplication app = null!;
        await Database.Reach(async () => app = await PurserServer.Build(settings, database.ConnectionString));
        await using (app)
        {
            try
            {
                return await work(app.Services);
            }
            catch (Payments.Stripe.StripeException e)
            {
                throw new StartFailure(e.Message);
            }
        }
    }

    // In a shell beside ./purser up nothing is set, and what `up` sells with is meant.
    static async Task<Settings> WithStripe(Settings settings, CancellationToken ct)
    {
        if (settings.Stripe is not null) return settings;
        if (settings.NamesMode || !await Answers(settings.Sandbox, ct))
        {
            throw new StartFailure(
                "STRIPE_SECRET_KEY is not set: name the Stripe account to work with, or start ./purser up for the sandbox's.");
        }

        Commands.Say("STRIPE_SECRET_KEY is not set: this is the sandbox's account of ./purser up.");
        return settings with { Stripe = new(settings.Sandbox, StripeAccess.SandboxKey, []) };
    }

    static async Task<bool> Answers(Uri sandbox, CancellationToken ct)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var response = await http.GetAsync(sandbox, ct);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }
}
