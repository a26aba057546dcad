using System.Text;

namespace Purser.Core.Gateway;

/// <summary>Reads a request for a transcription, which is a form with a file in it.</summary>
public static class TranscriptionReader
{
    const int LongestField = 200;

    public static RequestReading Read(ReadOnlySpan<byte> body, string? contentType)
    {
        if (FormReader.Read(body, contentType) is not { } parts)
            return new RequestReading.Refused(RequestRefusal.NotJson, null, "The body must be multipart/form-data, and whole.");

        foreach (var name in parts.Select(part => part.Name).Where(name => name is "model" or "file" or "stream"))
        {
            if (parts.Count(part => part.Name == name) > 1)
                return new RequestReading.Refused(RequestRefusal.DuplicateMember, name, $"'{name}' stands there twice.");
        }

        if (Field(body, parts, "model") is not { Length: > 0 } model)
            return new RequestReading.Refused(RequestRefusal.MissingMember, "model", "'model' is required.");
        if (parts.FirstOrDefault(part => part.Name == "file") is not { } file)
            return new RequestReading.Refused(RequestRefusal.MissingMember, "file", "'file' is required.");

        return new RequestReading.Understood(new(Wire.Transcriptions, model, parts.First(part => part.Name == "model").At)
        {
            Stream = Field(body, parts, "stream") is "true" or "True" or "1",
            Sound = file.At,
            SoundBytes = file.At.Length,
            TextBytes = parts.Where(part => part != file).Sum(part => part.At.Length),
        });
    }

    static string? Field(ReadOnlySpan<byte> body, IReadOnlyList<FormPart> parts, string name) =>
        parts.FirstOrDefault(part => part.Name == name) is { At.Length: <= LongestField } part
            ? Encoding.UTF8.GetString(body.Slice(part.At.From, part.At.Length))
            : null;
}
