using Purser.Sandbox.Stripe.Customers;
using Purser.Sandbox.Stripe.Payments;

namespace Purser.Sandbox.Stripe.Billing;

/// <summary>
/// How a subscription begins: by the API or by Checkout, with a trial, a payment, or a payment that is still owed.
/// </summary>
static class SubscriptionStart
{
    const long Day = 86_400;
    const long ExpiresAfterSeconds = 23 * 3_600;
    const int PerCustomerOnClock = 3;

    public static JsonObject Create(Call call)
    {
        var customer = call.Required("customer", "customer", "customer");
        var subscription = Build(call, customer, call.P);
        Bill(call, customer, subscription, call.P);
        return subscription;
    }

    /// <summary>The subscription with its items and periods, not yet billed.</summary>
    public static JsonObject Build(Call call, JsonObject customer, JsonObject p)
    {
        var tx = call.Tx;
        if (customer.Text("test_clock") is not null &&
            tx.Referring("subscription", "customer", customer.Id()).Count >= PerCustomerOnClock)
        {
            throw StripeError.Invalid($"You have reached the maximum of {PerCustomerOnClock} subscriptions for this customer on a test clock.");
        }
        var subscription = Blank(tx, customer, p);
        List<JsonObject> items = [];
        foreach (var given in p.Items("items"))
        {
            var price = Items.PriceOf(call, given, $"items[{items.Count}]");
            var quantity = Items.Quantity(given, $"items[{items.Count}][quantity]");
            items.Add(Items.New(tx, subscription, price, quantity, given));
        }
        Begin(tx, customer, subscription, items, p);
        TakeMethod(tx, customer, subscription, p);
        Discounts.Put(tx, subscription, p);
        return subscription;
    }

    static JsonObject Blank(Tx tx, JsonObject customer, JsonObject p)
    {
        var now = tx.TimeOf(customer);
        var subscription = ApiSpec.Blank("subscription");
        subscription["id"] = Ids.New("sub");
        subscription["automatic_tax"] = AutomaticTax.Of("subscription", p.Child("automatic_tax"));
        subscription["billing_mode"] = BillingMode(p.Child("billing_mode"), now);
        subscription["cancellation_details"] = new JsonObject { ["comment"] = null, ["feedback"] = null,
            ["feedback_option"] = null, ["reason"] = null };
        subscription["collection_method"] = p.Text("collection_method") ?? "charge_automatically";
        subscription["created"] = now;
        subscription["customer"] = customer.Id();
        subscription["days_until_due"] = p.MaybeNumber("days_until_due");
        subscription["default_tax_rates"] = new JsonArray();
        subscription["description"] = p.Text("description");
        subscription["invoice_settings"] = new JsonObject { ["account_tax_ids"] = null, ["custom_fields"] = null,
            ["description"] = null, ["footer"] = null, ["issuer"] = new JsonObject { ["type"] = "self" } };
        subscription["metadata"] = Metadata.Of(p);
        TakePaymentSettings(subscription, p);
        subscription["start_date"] = now;
        subscription["status"] = "incomplete";
        subscription["test_clock"] = customer.Text("test_clock");
        subscription["trial_settings"] = new JsonObject
        {
            ["end_behavior"] = new JsonObject
            {
                ["billing_cycle_anchor"] = null,
                ["missing_payment_method"] = p.Child("trial_settings")?.Child("end_behavior")?.Text("missing_payment_method") ?? "create_invoice",
            },
        };
        if (subscription.Text("collection_method") == "send_invoice" && p.MaybeNumber("days_until_due") is null)
        {
            throw StripeError.Invalid("If the subscription's collection method is send_invoice, you must specify `days_until_due`.", "days_until_due");
        }
        return tx.Add(subscription);
    }

    public static void TakePaymentSettings(JsonObject subscription, JsonObject p)
    {
        var settings = subscription.Child("payment_settings")?.Copy()
            ?? new() { ["save_default_payment_method"] = "off" };
        if (p.Child("payment_settings") is { } given)
        {
            settings.Take(given, "payment_method_options", "payment_method_types", "save_default_payment_method");
        }
        subscription["payment_settings"] = ApiSpec.Completed("subscription.PaymentSettings", settings);
    }

    static JsonObject BillingMode(JsonObject? given, long now)
    {
        var type = given?.Text("type") ?? "flexible";
        return new()
        {
            ["flexible"] = type == "flexible"
                ? new JsonObject { ["proration_discounts"] = given?.Child("flexible")?.Text("proration_discounts")
                    ?? "included" }
                : null,
            ["type"] = type,
            ["updated_at"] = now,
        };
    }

    static void Begin(Tx tx, JsonObject customer, JsonObject subscription, List<JsonObject> items, JsonObject p)
    {
        Items.CheckAlike(items);
        var now = tx.TimeOf(customer);
        var first = items[0].Child("price")!;
        subscription["currency"] = first.Text("currency");
        CheckCurrency(tx, customer, first.Text("currency")!, p);
        Items.Put(subscription, items);
        var (interval, count) = Items.Interval(first);
        var trialEnd = TrialEnd(p, first, now);
        if (trialEnd is { } end)
        {
            subscription["trial_start"] = now;
            subscription["trial_end"] = end;
            subscription["status"] = "trialing";
        }
        var anchor = p.MaybeNumber("billing_cycle_anchor")
            ?? ConfiguredAnchor(p.Child("billing_cycle_anchor_config"), subscription, now);
        if (anchor is { } wanted)
        {
            if (wanted <= now)
            {
                throw StripeError.Invalid("`billing_cycle_anchor` must be in the future.", "billing_cycle_anchor");
            }
            if (wanted > Periods.Add(now, interval, count))
            {
                throw StripeError.Invalid("`billing_cycle_anchor` cannot be later than next natural billing date "
                    + $"({Periods.Add(now, interval, count)}) for plan", "billing_cycle_anchor");
            }
        }
        subscription["billing_cycle_anchor"] = trialEnd ?? anchor ?? now;
        Items.SetPeriod(subscription, now, trialEnd ?? anchor ?? Periods.Add(now, interval, count));
        if (p.Flag("cancel_at_period_end")) Cancellation.AtPeriodEnd(tx, subscription, true);
        if (p.MaybeNumber("cancel_at") is { } at) Cancellation.At(tx, subscription, at);
    }

    /// <summary>A customer is billed in one currency for good, and the first subscription decides in which.</summary>
    static void CheckCurrency(Tx tx, JsonObject customer, string currency, JsonObject p)
    {
        if (p.Text("currency") is { } wanted && !string.Equals(wanted, currency, StringComparison.OrdinalIgnoreCase))
        {
            throw StripeError.Invalid($"The price specified only supports `{currency}`. This doesn't match the expected "
                + $"currency: `{wanted}`.", "currency");
        }
        if (customer.Text("currency") is { } before && before != currency)
        {
            throw StripeError.Invalid("You cannot combine currencies on a single customer. This customer has had a subscription, "
                + $"coupon, or invoice item with currency {before}");
        }
        if (customer.Text("currency") is not null) return;
        tx.Edit(customer)["currency"] = currency;
        tx.EmitUpdate("customer.updated", customer);
    }

    static long? TrialEnd(JsonObject p, JsonObject price, long now)
    {
        if (p.Text("trial_end") == "now") return null;
        if (p.MaybeNumber("trial_end") is { } end)
        {
            return end > now ? end
                : throw StripeError.Invalid("Invalid timestamp: must be an integer Unix timestamp in the future.",
                "trial_end");
        }
        var days = p.MaybeNumber("trial_period_days");
        if (days is null && p.Flag("trial_from_plan"))
        {
            days = price.Child("recurring")?.MaybeNumber("trial_period_days");
        }
        if (days is < 0 or > 730)
        {
            throw StripeError.Invalid("Invalid trial_period_days: must be between 0 and 730", "trial_period_days");
        }
        return days is > 0 ? now + days * Day : null;
    }

    static long? ConfiguredAnchor(JsonObject? config, JsonObject subscription, long now)
    {
        if (config is null) return null;
        foreach (var (name, least, most) in (ReadOnlySpan<(string, long, long)>)
            [("day_of_month", 1, 31), ("month", 1, 12), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59)])
        {
            if (config.MaybeNumber(name) is { } given && (given < least || given > most))
            {
                throw StripeError.Invalid($"Invalid {name}: must be between {least} and {most}.",
                    $"billing_cycle_anchor_config[{name}]");
            }
        }
        var at = DateTimeOffset.FromUnixTimeSeconds(now);
        DateTimeOffset In(DateTimeOffset month) => new(month.Year, month.Month,
            (int)Math.Min(config.Number("day_of_month"), DateTime.DaysInMonth(month.Year, month.Month)),
            (int)(config.MaybeNumber("hour") ?? at.Hour), (int)(config.MaybeNumber("minute") ?? at.Minute),
            (int)(config.MaybeNumber("second") ?? at.Second), TimeSpan.Zero);
        var month = new DateTimeOffset(at.Year, at.Month, 1, 0, 0, 0, TimeSpan.Zero);
        while (In(month) <= at || (config.MaybeNumber("month") is { } wanted && month.Month != wanted))
        {
            month = month.AddMonths(1);
        }
        subscription["billing_cycle_anchor_config"] = new JsonObject
        {
            ["day_of_month"] = config.Number("day_of_month"),
            ["hour"] = config.MaybeNumber("hour"),
            ["minute"] = config.MaybeNumber("minute"),
            ["month"] = config.MaybeNumber("month"),
            ["second"] = config.MaybeNumber("second"),
        };
        return In(month).ToUnixTimeSeconds();
    }

    public static void TakeMethod(Tx tx, JsonObject customer, JsonObject subscription, JsonObject p)
    {
        if (p.Text("default_payment_method") is not { } given) return;
        if (given.Length == 0)
        {
            subscription["default_payment_method"] = null;
            return;
        }
        var method = PaymentMethods.Resolve(tx, given, "default_payment_method");
        if (method.Text("customer") != customer.Id())
        {
            throw StripeError.Invalid($"The customer does not have a payment method with the ID {given}. The payment method must be attached to "
                + "the customer.", "default_payment_method", "resource_missing");
        }
        subscription["default_payment_method"] = method.Id();
    }

    /// <summary>The first invoice, and as much of its payment as the caller's payment_behavior wants.</summary>
    static void Bill(Call call, JsonObject customer, JsonObject subscription, JsonObject p)
    {
        var tx = call.Tx;
        var behavior = p.Text("payment_behavior") ?? "allow_incomplete";
        var announced = tx.EmitAhead("customer.subscription.created", subscription);
        subscription["_starting"] = true;
        var invoice = FirstInvoice(call, customer, subscription, p);
        if (subscription.Text("collection_method") == "send_invoice")
        {
            if (subscription.Text("status") == "incomplete") subscription["status"] = "active";
            InvoiceDrafts.Announce(tx, invoice, tx.TimeOf(invoice) + 3_600);
        }
        else
        {
            InvoiceDrafts.Announce(tx, invoice, null);
            InvoiceDrafts.Finalize(tx, invoice);
            if (invoice.Text("status") == "open") FirstPayment(tx, invoice, behavior, p.Flag("off_session"));
            else AskForMethod(tx, customer, subscription, invoice);
        }
        Settle(tx, subscription, announced);
    }

    /// <summary>After the first bill: timers are set, and the announcement is filled with what came of it.</summary>
    public static void Settle(Tx tx, JsonObject subscription, Action announced)
    {
        subscription.Remove("_starting");
        if (subscription.Text("status") == "incomplete")
        {
            subscription.SetTimer("expire", tx.TimeOf(subscription) + ExpiresAfterSeconds);
        }
        else Renewals.Schedule(tx, subscription);
        announced();
    }

    public static JsonObject FirstInvoice(Call call, JsonObject customer, JsonObject subscription, JsonObject p)
    {
        var tx = call.Tx;
        var invoice = InvoiceDrafts.New(tx, customer, subscription, "subscription_create",
            subscription.Text("currency")!);
        var (start, end) = Items.Period(subscription);
        foreach (var item in subscription.Items("items"))
        {
            InvoiceDrafts.AddLine(invoice, FirstLine(subscription, item, start, end, p.Text("proration_behavior")));
        }
        foreach (var extra in p.Items("add_invoice_items"))
        {
            var made = InvoiceItems.FromParams(call, customer, extra);
            made["_subscription"] = subscription.Id();
        }
        InvoiceDrafts.AddPending(tx, invoice, subscription);
        InvoiceDrafts.AddUp(invoice);
        return invoice;
    }

    static JsonObject FirstLine(JsonObject subscription, JsonObject item, long start, long end, string? proration)
    {
        if (subscription.Text("status") == "trialing")
        {
            return Lines.ForItem(subscription, item, start, end, 0, $"Trial period for {item.Text("_name")}");
        }
        var (interval, count) = Items.Interval(item.Child("price")!);
        var full = end - Periods.BoundaryBefore(subscription.Number("billing_cycle_anchor"), interval, count, end);
        var amount = proration == "none" && end - start < full ? 0
            : Proration.Part(Items.Amount(item), end - start, full);
        return Lines.ForItem(subscription, item, start, end, amount);
    }

    static void FirstPayment(Tx tx, JsonObject invoice, string behavior, bool offSession)
    {
        var method = InvoicePayments.MethodFor(tx, invoice);
        if (behavior == "default_incomplete")
        {
            if (method is null) return;
            var intent = tx.Edit(invoice.Text("_payment_intent")!);
            intent["payment_method"] = method.Id();
            intent["status"] = "requires_confirmation";
            return;
        }
        if (method is null)
        {
            throw StripeError.Invalid("This customer has no attached payment source or default payment method. Please consider adding a default "
                + "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
                + "#payment-method-priority.", code: "resource_missing");
        }
        var attempt = InvoicePayments.Collect(tx, invoice, method, offSession ? Holder.Reachable : Holder.Present);
        if (behavior == "error_if_incomplete" && attempt is (Attempt.Declined or Attempt.NeedsAction))
        {
            throw Subscriptions.PaymentRequired(tx, invoice, attempt);
        }
    }

    /// <summary>
    /// Nothing is due yet, but something will be: a setup intent waits for the method to charge then.
    /// </summary>
    static void AskForMethod(Tx tx, JsonObject customer, JsonObject subscription, JsonObject invoice)
    {
        if (subscription.Text("status") == "incomplete") subscription["status"] = "active";
        if (InvoicePayments.MethodFor(tx, invoice) is not null) return;
        var intent = SetupIntents.New(tx, customer);
        intent["_subscription"] = subscription.Id();
        subscription["pending_setup_intent"] = intent.Id();
        tx.Emit("setup_intent.created", intent);
    }
}
