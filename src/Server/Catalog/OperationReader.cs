using Purser.Core.Pricing;

namespace Purser.Server.Catalog;

/// <summary>
/// Reads an operation: <c>flat: 50</c>, or <c>base_fee</c>, <c>per</c> and <c>minimum</c>, of which one has to be there.
/// </summary>
static class OperationReader
{
    public static OperationRate Read(string code, Section section)
    {
        var operation = section.Has("flat")
            ? new OperationRate(code, section.RequiredText("name"), section.RequiredNumber("flat"), 0)
            : ReadComposed(code, section);

        operation = operation with { Description = section.Text("description", "") };
        section.NoMore();
        return operation;
    }

    static OperationRate ReadComposed(string code, Section section)
    {
        if (!section.Has("base_fee") && !section.Has("per") && !section.Has("minimum"))
            section.Missing("flat' or 'per");

        var per = section.Inner("per");
        return new(
            code, section.RequiredText("name"), section.Number("base_fee") ?? 0, section.Number("minimum") ?? 0)
        {
            Units = per is null ? [] : [.. from unit in per.Keys() select ReadUnit(unit, per)],
        };
    }

    // `words: 0.1` is short for `words: { credits: 0.1 }`.
    static UnitRate ReadUnit(string unit, Section per)
    {
        if (per.IsScalar(unit)) return new(unit, per.RequiredNumber(unit), 1);
        if (per.Inner(unit) is not { } section) return new(unit, 1, 1);

        var rate = new UnitRate(unit, section.RequiredNumber("credits"), section.Number("each") ?? 1)
        {
            Max = section.Number("max"),
            Optional = section.Flag("optional"),
            Volume = [.. section.Listed("volume").Select(ReadStep)],
        };
        section.NoMore();
        return rate;
    }

    static VolumeStep ReadStep(Section section)
    {
        var step = new VolumeStep(section.RequiredNumber("above"), section.RequiredNumber("percent"));
        section.NoMore();
        return step;
    }
}
