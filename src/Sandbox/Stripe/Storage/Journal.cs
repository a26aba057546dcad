using System.Buffers;
using System.Text.Json;

namespace Purser.Sandbox.Stripe.Storage;

/// <summary>
/// An account's file: a snapshot, and behind it one line per finished operation. A line is handed to the operating
/// system before its caller hears of it, so that a killed process loses nothing; a line cut short is as if it never
/// was.
/// </summary>
sealed class Journal : IDisposable
{
    const long CompactAt = 256L << 20;

    readonly string folder;
    readonly ArrayBufferWriter<byte> line = new(1 << 16);
    long generation;
    FileStream file;

    Journal(string folder, long generation, FileStream file)
    {
        this.folder = folder;
        this.generation = generation;
        this.file = file;
    }

    public bool WantsCompaction => file.Length > CompactAt;

    public static Journal Open(string folder, Action<JsonObject> replay)
    {
        Directory.CreateDirectory(folder);
        var generation = Directory.GetFiles(folder, "snapshot-*.jsonl").Select(GenerationOf).DefaultIfEmpty(0).Max();
        ReadLines(Snapshot(folder, generation), replay);
        var whole = ReadLines(Log(folder, generation), replay);
        var file = OpenLog(folder, generation);
        // What a kill left of the last line goes, or the next line would be glued to it.
        file.SetLength(whole);
        file.Seek(0, SeekOrigin.End);
        return new(folder, generation, file);
    }

    public void Append(List<JsonObject> put, List<string> removed)
    {
        line.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(line, new JsonWriterOptions { Encoder = Json.Plain.Encoder }))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("put");
            foreach (var body in put) body.WriteTo(writer);
            writer.WriteEndArray();
            writer.WriteStartArray("del");
            foreach (var id in removed) writer.WriteStringValue(id);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        line.Write("\n"u8);
        file.Write(line.WrittenSpan);
    }

    /// <summary>Writes everything there is into a new snapshot and starts an empty journal behind it.</summary>
    public void Compact(IEnumerable<JsonObject> lines)
    {
        var next = generation + 1;
        var draft = Path.Combine(folder, "snapshot.draft");
        using (var output = new FileStream(draft, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            foreach (var line in lines)
            {
                output.Write(JsonSerializer.SerializeToUtf8Bytes(line, Json.Plain));
                output.WriteByte((byte)'\n');
            }
            output.Flush(flushToDisk: true);
        }
        // The rename is the moment of change: before it the old pair holds, after it the new one.
        File.Move(draft, Snapshot(folder, next), overwrite: true);
        file.Dispose();
        file = OpenLog(folder, next);
        File.Delete(Snapshot(folder, generation));
        File.Delete(Log(folder, generation));
        generation = next;
    }

    public void Dispose() => file.Dispose();

    static FileStream OpenLog(string folder, long generation) =>
        new(Log(folder, generation), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);

    static string Snapshot(string folder, long generation) => Path.Combine(folder, $"snapshot-{generation}.jsonl");

    static string Log(string folder, long generation) => Path.Combine(folder, $"journal-{generation}.jsonl");

    static long GenerationOf(string path) =>
        long.Parse(Path.GetFileNameWithoutExtension(path)["snapshot-".Length..], CultureInfo.InvariantCulture);

    /// <summary>Replays every whole line and says how many bytes they were.</summary>
    static long ReadLines(string path, Action<JsonObject> replay)
    {
        if (!File.Exists(path)) return 0;
        using var input = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
        using var line = new MemoryStream();
        long whole = 0;
        var buffer = new byte[1 << 16];
        int read;
        while ((read = input.Read(buffer)) > 0)
        {
            var rest = buffer.AsSpan(0, read);
            int end;
            while ((end = rest.IndexOf((byte)'\n')) >= 0)
            {
                line.Write(rest[..end]);
                replay((JsonObject)JsonNode.Parse(line.GetBuffer().AsSpan(0, (int)line.Length))!);
                whole += line.Length + 1;
                line.SetLength(0);
                rest = rest[(end + 1)..];
            }
            line.Write(rest);
        }
        return whole;
    }
}
