using System.Text;
using System.Text.Json;
using Purser.Sandbox.Ai.Words;

namespace Purser.Sandbox.Tests.Ai;

public sealed class TokensTests
{
    [Theory]
    [InlineData("\"\"", 0)]
    [InlineData("\"abcd\"", 1)]
    [InlineData("\"abcde\"", 2)]
    [InlineData("\"ab\\n\\\"\"", 1)]
    [InlineData("\"\\u0061bcd\"", 1)]
    [InlineData("\"sch\\u00f6n\"", 2)]
    [InlineData("\"\\u20ac\"", 1)]
    [InlineData("\"\\ud83c\\udf0a\"", 1)]
    [InlineData("\"🌊🌊\"", 2)]
    [InlineData("null", 0)]
    [InlineData("{\"a\": 1}", 2)]
    public void Four_bytes_of_a_decoded_text_are_a_token(string json, long tokens)
    {
        using var document = JsonDocument.Parse(json);

        Assert.Equal(tokens, Tokens.Of(document.RootElement));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(1000)]
    public void Prose_has_exactly_the_tokens_asked_for(int tokens)
    {
        for (var seed = 0u; seed < 5; seed++)
        {
            var text = Prose.Of(tokens, seed);

            Assert.Equal(tokens, Tokens.OfLength(text.Length));
            Assert.Equal((byte)'.', text[^1]);
        }
    }

    [Fact]
    public void Pieces_never_split_a_character_and_lose_nothing()
    {
        var text = Encoding.UTF8.GetBytes("a€🌊öß漢字 and so on 🌊🌊");
        var pieces = new List<string>();
        for (var from = 0; from < text.Length;)
        {
            var end = Tokens.EndOfPiece(text, from, null);
            pieces.Add(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text, from, end - from));
            from = end;
        }

        Assert.Equal(Encoding.UTF8.GetString(text), string.Concat(pieces));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(20)]
    [InlineData(50)]
    public void A_text_makes_as_many_pieces_as_asked_for(int wanted)
    {
        var text = Prose.Of(50, 0);
        var count = 0;
        for (var from = 0; from < text.Length; count++) from = Tokens.EndOfPiece(text, from, wanted);

        Assert.Equal(wanted, count);
    }
}
