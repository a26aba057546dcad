using System.Security.Cryptography;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Purser.Server.Catalog;

/// <summary>A position in a file, both counted from one; and the offset in its text, counted from zero.</summary>
readonly record struct Place(int Line, int Column, int Offset)
{
    public static Place Of(Mark mark) => new((int)mark.Line, (int)mark.Column, (int)mark.Index);
}

/// <summary>
/// YAML as it was written, with the place of everything. The library's own document model gives up at the first
/// duplicate key, and its object mapper forgets where a value stood.
/// </summary>
abstract record Node(Place Start, Place End)
{
    public sealed record Scalar(string Text, bool Plain, Place Start, Place End) : Node(Start, End);

    public sealed record Sequence(IReadOnlyList<Node> Items, bool Flow, Place Start, Place End) : Node(Start, End);

    public sealed record Mapping(IReadOnlyList<Entry> Entries, bool Flow, Place Start, Place End) : Node(Start, End)
    {
        public Node? this[string key] => Entries.FirstOrDefault(entry => entry.Key.Text == key)?.Value;
    }

    public sealed record Entry(Scalar Key, Node Value);

    public string Kind => this switch
    {
        Scalar => "a single value",
        Sequence => "a list",
        _ => "a group of keys",
    };

    /// <summary>
    /// The same for two files that say the same, whatever their comments, line breaks and indentation.
    /// Order counts: packages and plans are shown in the order in which they stand.
    /// </summary>
    public byte[] Digest()
    {
        var canonical = new StringBuilder();
        Write(canonical);
        return SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString()));
    }

    void Write(StringBuilder canonical)
    {
        switch (this)
        {
            case Scalar scalar:
                // With its length in front no text can pass for the end of one value and the start of another.
                canonical.Append(scalar.Plain ? 'p' : 'q').Append(scalar.Text.Length).Append(':').Append(scalar.Text);
                break;
            case Sequence sequence:
                canonical.Append('[');
                foreach (var item in sequence.Items) item.Write(canonical);
                canonical.Append(']');
                break;
            case Mapping mapping:
                canonical.Append('{');
                foreach (var entry in mapping.Entries)
                {
                    entry.Key.Write(canonical);
                    entry.Value.Write(canonical);
                }

                canonical.Append('}');
                break;
        }
    }
}

/// <summary>Reads one YAML document. Duplicate keys, aliases and tags are faults, and reading goes on behind them.</summary>
sealed class YamlReader(IParser parser, FaultList faults)
{
    const int DeepestNesting = 32;

    readonly Dictionary<string, Node.Scalar> anchored = [];

    /// <summary>The document, or nothing where the text is not YAML, which is a fault then.</summary>
    public static Node? Read(string text, FaultList faults)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            return new YamlReader(parser, faults).ReadDocument();
        }
        catch (YamlException exception)
        {
            var inner = exception.InnerException as YamlException ?? exception;
            faults.Add(Place.Of(inner.Start), $"This is not YAML: {inner.Message}");
            return null;
        }
        catch (InvalidOperationException)
        {
            // The scanner of the library loses its footing over some unfinished lines, and does not say where.
            var last = parser.Current is { } read ? Place.Of(read.End) : new Place(1, 1, 0);
            faults.Add(last, "This is not YAML: what follows here cannot be read.");
            return null;
        }
    }

    Node? ReadDocument()
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _)) return Empty();

        parser.Consume<DocumentStart>();
        var root = ReadNode(1);
        parser.Consume<DocumentEnd>();
        if (parser.TryConsume<DocumentStart>(out var second))
            faults.Add(Place.Of(second.Start), "A catalog is one document: what follows is not read.");

        return root;
    }

    Node? Empty()
    {
        faults.Add(new(1, 1, 0), "The file is empty.");
        return null;
    }

    Node ReadNode(int depth)
    {
        if (depth > DeepestNesting)
            throw new YamlException(parser.Current!.Start, parser.Current.End, "it is nested too deep.");

        if (parser.TryConsume<Scalar>(out var scalar)) return Text(scalar);
        if (parser.TryConsume<SequenceStart>(out var sequence)) return Sequence(sequence, depth);
        if (parser.TryConsume<MappingStart>(out var mapping)) return Mapping(mapping, depth);

        var alias = parser.Consume<AnchorAlias>();
        faults.Add(Place.Of(alias.Start), $"Write the value out: *{alias.Value} is not followed here.");
        // The value it stands for, where that is a single one, so that no second fault follows from this one.
        var meant = anchored.GetValueOrDefault(alias.Value.Value);
        return new Node.Scalar(meant?.Text ?? "", meant?.Plain ?? true, Place.Of(alias.Start), Place.Of(alias.End));
    }

    Node.Scalar Text(Scalar scalar)
    {
        CheckTag(scalar);
        // PostgreSQL cannot store it, and it would come out where an order remembers what was sold.
        if (scalar.Value.Contains('\0')) faults.Add(Place.Of(scalar.Start), "A text may not contain U+0000.");
        var text = new Node.Scalar(
            scalar.Value, scalar.Style == ScalarStyle.Plain, Place.Of(scalar.Start), Place.Of(scalar.End));
        if (!scalar.Anchor.IsEmpty) anchored[scalar.Anchor.Value] = text;
        return text;
    }

    Node.Sequence Sequence(SequenceStart start, int depth)
    {
        CheckTag(start);
        var items = new List<Node>();
        while (!parser.Accept<SequenceEnd>(out _)) items.Add(ReadNode(depth + 1));

        var flow = start.Style == SequenceStyle.Flow;
        return new(items, flow, Place.Of(start.Start), End(parser.Consume<SequenceEnd>(), flow));
    }

    Node.Mapping Mapping(MappingStart start, int depth)
    {
        CheckTag(start);
        var entries = new List<Node.Entry>();
        var firsts = new Dictionary<string, Place>();
        while (!parser.Accept<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is not Node.Scalar name)
                faults.Add(key.Start, $"A key is a single value, not {key.Kind}.");
            else if (!firsts.TryAdd(name.Text, key.Start))
                Repeated(name, firsts[name.Text]);
            else
                entries.Add(new(name, value));
        }

        var flow = start.Style == MappingStyle.Flow;
        return new(entries, flow, Place.Of(start.Start), End(parser.Consume<MappingEnd>(), flow));
    }

    void Repeated(Node.Scalar key, Place first) =>
        faults.Add(key.Start, $"'{key.Text}' stands here a second time; the first is in line {first.Line}.");

    // The parser lets a bracketed group end before its closing bracket.
    static Place End(ParsingEvent end, bool flow)
    {
        var place = Place.Of(end.Start);
        return flow ? new(place.Line, place.Column + 1, place.Offset + 1) : place;
    }

    void CheckTag(NodeEvent node)
    {
        // The tag of a quoted text is "!": it says no more than that the text is one.
        if (!node.Tag.IsEmpty && !node.Tag.IsNonSpecific)
            faults.Add(Place.Of(node.Start), $"Tags such as {node.Tag} are not read here.");
    }
}
