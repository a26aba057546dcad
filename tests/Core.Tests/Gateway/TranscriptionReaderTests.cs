using System.Text;
using Purser.Core.Gateway;

namespace Purser.Core.Tests.Gateway;

public sealed class TranscriptionReaderTests
{
    const string Form = "multipart/form-data; boundary=\"b0\"";

    [Fact]
    public void The_form_is_read_where_it_stands()
    {
        var body = Body(Part("model", "openai/whisper-1"), Part("stream", "true"), File("sound\r\nwith lines"));

        var request = Assert.IsType<RequestReading.Understood>(TranscriptionReader.Read(body, Form)).Request;

        Assert.Equal(("openai/whisper-1", true), (request.Model, request.Stream));
        Assert.Equal("openai/whisper-1", Encoding.UTF8.GetString(body.AsSpan(request.ModelAt.From, request.ModelAt.Length)));
        Assert.Equal("sound\r\nwith lines", Encoding.UTF8.GetString(body.AsSpan(request.Sound!.Value.From, request.Sound.Value.Length)));
    }

    [Fact]
    public void Two_models_are_refused() => Assert.Equal(
        (RequestRefusal.DuplicateMember, "model"), Refused(Body(Part("model", "cheap"), Part("model", "dear"), File("x")), Form));

    [Fact]
    public void A_name_in_the_name_of_a_file_is_no_name()
    {
        const string Header = "Content-Disposition: form-data; filename=\"x; name=model; y\"; name=\"file\"";
        var body = Body(Part("model", "dear"), $"{Header}\r\n\r\nsound");

        var request = Assert.IsType<RequestReading.Understood>(TranscriptionReader.Read(body, Form)).Request;

        Assert.Equal("dear", request.Model);
    }

    [Theory]
    [InlineData("Content-Disposition: form-data; name=\"model\"; name=\"x\"")]
    [InlineData("Content-Disposition: form-data; name=\"x\"; name*=utf-8''model")]
    [InlineData("Content-Disposition: form-data; name*=utf-8''model")]
    [InlineData("Content-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"")]
    [InlineData("Content-Disposition : form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"")]
    [InlineData("Content-Disposition: form-data;\r\n name=\"model\"")]
    [InlineData("Content-Disposition: form-data; name=\"x\";\r\n name=\"model\"")]
    [InlineData("Content-Disposition: form-data; name=\"x\"; name*0=mod; name*1=el")]
    [InlineData("X: y\nContent-Disposition: form-data; name=\"model\"\r\nContent-Disposition: form-data; name=\"x\"")]
    [InlineData("Content-Disposition: form-data")]
    [InlineData("Content-Type: text/plain")]
    public void A_part_whose_name_could_be_read_otherwise_is_refused(string headers) => Assert.Equal(
        (RequestRefusal.NotJson, null), Refused(Body(Part("model", "cheap"), File("x"), $"{headers}\r\n\r\ndear"), Form));

    [Theory]
    [InlineData("application/json")]
    [InlineData("multipart/form-data")]
    [InlineData("multipart/form-data; boundary=other")]
    [InlineData(null)]
    public void What_is_no_whole_form_is_refused(string? contentType) =>
        Assert.Equal((RequestRefusal.NotJson, null), Refused(Body(Part("model", "m"), File("x")), contentType));

    [Fact]
    public void A_form_that_is_cut_is_refused() =>
        Assert.Equal((RequestRefusal.NotJson, null), Refused(Body(Part("model", "m"), File("x"))[..^10], Form));

    [Fact]
    public void A_form_needs_a_model_and_a_file()
    {
        Assert.Equal((RequestRefusal.MissingMember, "model"), Refused(Body(File("x")), Form));
        Assert.Equal((RequestRefusal.MissingMember, "file"), Refused(Body(Part("model", "m")), Form));
    }

    static (RequestRefusal, string?) Refused(byte[] body, string? contentType)
    {
        var refused = Assert.IsType<RequestReading.Refused>(TranscriptionReader.Read(body, contentType));
        return (refused.Why, refused.Param);
    }

    static string Part(string name, string value) => $"Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}";

    static string File(string content) => $"Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n{content}";

    static byte[] Body(params ReadOnlySpan<string> parts)
    {
        var body = "";
        foreach (var part in parts) body += $"--b0\r\n{part}\r\n";
        return Encoding.UTF8.GetBytes(body + "--b0--\r\n");
    }
}
