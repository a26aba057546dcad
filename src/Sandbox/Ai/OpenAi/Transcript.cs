using System.Text;
using System.Text.Json;

namespace Purser.Sandbox.Ai.OpenAi;

/// <summary>A transcript with times: its words spread evenly, in segments of ten.</summary>
sealed record Transcript(string Text, decimal Seconds)
{
    const int WordsPerSegment = 10;

    sealed record Segment(decimal Start, decimal End, string Text);

    string[] Words => Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    IEnumerable<Segment> Segments() => Spread(Words, WordsPerSegment);

    IEnumerable<Segment> Spread(string[] words, int each)
    {
        for (var i = 0; i < words.Length; i += each)
        {
            var next = Math.Min(i + each, words.Length);
            yield return new(At(i, words.Length), At(next, words.Length), string.Join(' ', words[i..next]));
        }
    }

    decimal At(int word, int words) => decimal.Round(Seconds * word / words, 3);

    /// <summary>All of the verbose format but the text itself and the usage.</summary>
    public void Write(Utf8JsonWriter json, bool words)
    {
        json.WriteString("task"u8, "transcribe"u8);
        json.WriteString("language"u8, "english"u8);
        json.WriteNumber("duration"u8, Seconds);
        if (words) WriteWords(json);
        else WriteSegments(json);
    }

    void WriteWords(Utf8JsonWriter json)
    {
        json.WriteStartArray("words"u8);
        foreach (var word in Spread(Words, 1))
        {
            json.WriteStartObject();
            json.WriteString("word"u8, word.Text.TrimEnd('.'));
            json.WriteNumber("start"u8, word.Start);
            json.WriteNumber("end"u8, word.End);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    void WriteSegments(Utf8JsonWriter json)
    {
        var id = 0;
        json.WriteStartArray("segments"u8);
        foreach (var segment in Segments())
        {
            json.WriteStartObject();
            json.WriteNumber("id"u8, id++);
            json.WriteNumber("seek"u8, 0);
            json.WriteNumber("start"u8, segment.Start);
            json.WriteNumber("end"u8, segment.End);
            json.WriteString("text"u8, $" {segment.Text}");
            json.WriteStartArray("tokens"u8);
            json.WriteEndArray();
            json.WriteNumber("temperature"u8, 0);
            json.WriteNumber("avg_logprob"u8, -0.25m);
            json.WriteNumber("compression_ratio"u8, 1.2m);
            json.WriteNumber("no_speech_prob"u8, 0.01m);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public string Srt()
    {
        var text = new StringBuilder();
        var number = 0;
        foreach (var segment in Segments())
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{++number}\n{Time(segment.Start, ',')} --> {Time(segment.End, ',')}\n{segment.Text}\n\n");
        }
        return text.ToString();
    }

    public string Vtt()
    {
        var text = new StringBuilder("WEBVTT\n\n");
        foreach (var segment in Segments())
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{Time(segment.Start, '.')} --> {Time(segment.End, '.')}\n{segment.Text}\n\n");
        }
        return text.ToString();
    }

    static string Time(decimal seconds, char point)
    {
        var time = TimeSpan.FromMilliseconds((long)(seconds * 1000));
        return $"{(int)time.TotalHours:00}:{time.Minutes:00}:{time.Seconds:00}{point}{time.Milliseconds:000}";
    }
}
