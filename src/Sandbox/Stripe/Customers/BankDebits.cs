namespace Purser.Sandbox.Stripe.Customers;

/// <summary>Methods whose money comes days later: whether it comes is decided by the account number.</summary>
static class BankDebits
{
    static readonly string[] FailingIbans = ["IT60X0542811101000000123456", "AT861904300235473202",
        "DE62370400440532013001"];
    static readonly string[] FailingAccounts = ["000111111116", "000111111113", "000222222227"];

    public static bool IsDelayed(JsonObject method) => method.Text("type") is "sepa_debit" or "us_bank_account";

    /// <summary>Whether the money will come in the end.</summary>
    public static bool Pays(JsonObject method) => !method.Flag("_fails");

    public static JsonObject? ByToken(string token) => token switch
    {
        "pm_sepaDebit" => Sepa("AT611904300234573201"),
        "pm_sepaDebit_chargeDeclined" => Sepa(FailingIbans[0]),
        "pm_usBankAccount" or "pm_usBankAccount_success" => UsAccount("000123456789"),
        "pm_usBankAccount_accountClosed" => UsAccount(FailingAccounts[0]),
        _ => null,
    };

    static JsonObject Sepa(string iban) => new()
    {
        ["type"] = "sepa_debit",
        ["sepa_debit"] = new JsonObject { ["iban"] = iban },
        ["billing_details"] = new JsonObject { ["name"] = "Jenny Rosen", ["email"] = "jenny@example.com" },
    };

    static JsonObject UsAccount(string number) => new()
    {
        ["type"] = "us_bank_account",
        ["us_bank_account"] = new JsonObject
        {
            ["account_number"] = number,
            ["routing_number"] = "110000000",
            ["account_holder_type"] = "individual",
        },
        ["billing_details"] = new JsonObject { ["name"] = "Jenny Rosen" },
    };

    public static void FillSepa(JsonObject method, JsonObject details)
    {
        var iban = (details.Text("iban") ?? throw StripeError.MissingParam("sepa_debit[iban]")).Replace(" ", "",
            StringComparison.Ordinal);
        if (iban.Length is < 15 or > 34)
        {
            throw StripeError.Invalid("The IBAN you provided is invalid.", "sepa_debit[iban]",
                "invalid_bank_account_iban");
        }
        method["sepa_debit"] = new JsonObject
        {
            ["bank_code"] = iban[4..9],
            ["branch_code"] = "",
            ["country"] = iban[..2],
            ["fingerprint"] = $"fp{iban[^10..]}",
            ["generated_from"] = new JsonObject { ["charge"] = null, ["setup_attempt"] = null },
            ["last4"] = iban[^4..],
        };
        if (FailingIbans.Contains(iban)) method["_fails"] = true;
    }

    public static void FillUsAccount(JsonObject method, JsonObject details)
    {
        var number = details.Text("account_number")
            ?? throw StripeError.MissingParam("us_bank_account[account_number]");
        method["us_bank_account"] = new JsonObject
        {
            ["account_holder_type"] = details.Text("account_holder_type") ?? "individual",
            ["account_type"] = details.Text("account_type") ?? "checking",
            ["bank_name"] = "STRIPE TEST BANK",
            ["financial_connections_account"] = null,
            ["fingerprint"] = $"fp{number}",
            ["last4"] = number[^4..],
            ["networks"] = new JsonObject { ["preferred"] = "ach", ["supported"] = new JsonArray("ach") },
            ["routing_number"] = details.Text("routing_number") ?? "110000000",
            ["status_details"] = new JsonObject(),
        };
        if (FailingAccounts.Contains(number)) method["_fails"] = true;
    }
}
