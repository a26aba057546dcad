using System.Globalization;
using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>Reads a provider's models with their prices for long prompts, hours of the week, services, and dates.</summary>
static class ModelReader
{
    static readonly string[] DayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    public static string DayName(DayOfWeek day) => DayNames[(int)day];

    public static IEnumerable<ModelRate> Provider(string provider, Section section) =>
        from name in section.Keys()
        let model = section.Inner(name)
        where model is not null
        select Read(provider, name, model);

    static ModelRate Read(string provider, string name, Section section)
    {
        var model = new ModelRate(provider, name)
        {
            Aliases = section.Texts("aliases"),
            Context = section.LongWhole("context"),
            MaxOutput = section.LongWhole("max_output"),
            MaxImageTokens = section.LongWhole("max_image_tokens"),
            Fallbacks = section.Texts("fallbacks"),
            Markup = section.Number("markup"),
            Periods =
            [
                ReadPeriod(section, DateTimeOffset.MinValue),
                .. section.Listed("changes").Select(ReadChange),
            ],
        };
        section.NoMore();
        return model;
    }

    static Period ReadChange(Section section)
    {
        if (!section.Has("from")) section.Missing("from");
        var period = ReadPeriod(section, ReadInstant(section));
        section.NoMore();
        return period;
    }

    // A day means its first instant in UTC, which is where providers' own announcements are vague.
    static DateTimeOffset ReadInstant(Section section)
    {
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        string[] formats = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mmZ", "yyyy-MM-ddTHH:mm:ssZ"];
        if (section.Scalar("from") is not { } scalar) return DateTimeOffset.MaxValue;
        if (DateTimeOffset.TryParseExact(scalar.Text, formats, CultureInfo.InvariantCulture, Utc, out var from))
            return from;

        section.Unreadable(
            "from", $"from is a day such as 2027-01-01, or a time such as 2027-01-01T08:00Z, not '{scalar.Text}'.");
        return DateTimeOffset.MaxValue;
    }

    static Period ReadPeriod(Section section, DateTimeOffset from) => new(from, ReadPrices(section))
    {
        Windows = [.. section.Listed("windows").Select(ReadWindow)],
        ServiceTiers = [.. from tier in section.Named("service_tiers") select ReadServiceTier(tier.Name, tier.Section)],
    };

    static Prices ReadPrices(Section section) => new(ReadUsd(section))
    {
        LongPrompts = [.. section.Listed("long_prompts").Select(ReadLongPrompt)],
    };

    static Dictionary<Meter, decimal> ReadUsd(Section section)
    {
        var usd = new Dictionary<Meter, decimal>();
        foreach (var meter in Meters.All)
            if (section.Has(meter.CatalogKey())) usd[meter] = section.Number(meter.CatalogKey()) ?? 1;

        return usd;
    }

    static LongPrompt ReadLongPrompt(Section section)
    {
        if (!section.Has("above")) section.Missing("above");
        var tier = new LongPrompt(section.LongWhole("above") ?? 1, ReadUsd(section));
        section.NoMore();
        return tier;
    }

    static ServiceTier ReadServiceTier(string name, Section section)
    {
        var tier = new ServiceTier(name, ReadPrices(section));
        section.NoMore();
        return tier;
    }

    static Window ReadWindow(Section section)
    {
        if (!section.Has("days")) section.Missing("days");
        if (!section.Has("hours")) section.Missing("hours");
        var window = new Window(ReadDays(section), ReadHours(section), ReadPrices(section));
        section.NoMore();
        return window;
    }

    static List<DayOfWeek> ReadDays(Section section)
    {
        var days = new List<DayOfWeek>();
        foreach (var name in section.Texts("days"))
        {
            var day = Array.IndexOf(DayNames, name);
            if (day >= 0) days.Add((DayOfWeek)day);
            else section.Unreadable("days", $"'{name}' is not one of {string.Join(", ", DayNames)}.");
        }

        return days;
    }

    static List<Hours> ReadHours(Section section)
    {
        var all = new List<Hours>();
        foreach (var text in section.Texts("hours"))
        {
            var ends = text.Split('-');
            if (ends.Length == 2 && TryReadTime(ends[0], out var from) && TryReadTime(ends[1], out var until))
                all.Add(new(from, until));
            else
                section.Unreadable("hours", $"'{text}' is not a part of a day such as 01:00-04:00, in UTC.");
        }

        return all;
    }

    // A TimeOnly ends at 23:59; a window may end at 24:00.
    static bool TryReadTime(string text, out TimeSpan time)
    {
        if (text.Trim() == "24:00")
        {
            time = TimeSpan.FromHours(24);
            return true;
        }

        return TimeSpan.TryParseExact(text.Trim(), @"hh\:mm", CultureInfo.InvariantCulture, out time);
    }
}
