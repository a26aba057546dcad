namespace Purser.Server.Platform;

/// <summary>Something that can be changed while servers run, on all of them within a second. Whose behaviour it is makes it and reads it.</summary>
abstract class Switch(string name, string takes)
{
    /// <summary>Also that of the environment variable it starts with.</summary>
    public string Name => name;

    /// <summary>The values it takes, in words.</summary>
    public string Takes => takes;

    public abstract string Text { get; }

    public abstract bool Accepts(string text);

    public abstract void Set(string text);

    /// <summary>Whether less is done with one value than with another; never so where the values are merely different.</summary>
    public abstract bool IsLess(string text, string than);

    public static Switch<bool> OnOff(string name, bool initial) =>
        new(name, "true or false", new() { ["true"] = true, ["false"] = false }, initial ? "true" : "false", Comparer<bool>.Default);

    public static Switch<int> Percentage(string name, int initial) => new(
        name, "a whole number from 0 to 100", Enumerable.Range(0, 101).ToDictionary(number => $"{number}"), $"{initial}",
        Comparer<int>.Default);
}

/// <param name="values">By the texts that stand for them.</param>
/// <param name="order">Of values with which ever more is done.</param>
sealed class Switch<T>(string name, string takes, Dictionary<string, T> values, string initial, Comparer<T>? order = null) : Switch(name, takes)
{
    // One reference, so that no reader ever sees the text of one value and the meaning of another.
    volatile Setting current = new(initial, values[initial]);

    public T Value => current.Value;

    public override string Text => current.Text;

    public override bool Accepts(string text) => values.ContainsKey(text);

    public override void Set(string text) => current = new(text, values[text]);

    public override bool IsLess(string text, string than) =>
        order is not null && values.TryGetValue(text, out var one) && values.TryGetValue(than, out var other) && order.Compare(one, other) < 0;

    sealed record Setting(string Text, T Value);
}
