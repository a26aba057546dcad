using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Core.Identity;
using static Purser.Core.Tests.Identity.Tokens;

namespace Purser.Core.Tests.Identity;

public sealed class BearerTokenTests
{
    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public void A_token_of_the_issuer_names_its_bearer(string algorithm)
    {
        var claims = Accepted(Sign(Header(algorithm), Good));

        Assert.Equal("ada", claims.Subject);
        Assert.True(claims.Has("role", "admin"));
        Assert.False(claims.Has("role", "owner"));
    }

    [Fact]
    public void What_is_no_token_is_none()
    {
        var good = Sign(Header(), Good);
        string[] bad =
        [
            "", "..", "a.b.c", "pvk_0123", good + ".", good + "=", good + "\n", good.Replace('.', ' '), $"{good}.{good}", good[..good.LastIndexOf('.')] + ".",
            $"{Part(new JsonArray())}.{Part(Good)}.AAAA", $"{Part(Header())}.{Part(new JsonArray())}.AAAA",
            // Twice the same member: whose reading would count?
            $"{Part(Header())}.{Base64Url.EncodeToString("""{"sub":"ada","sub":"bob"}"""u8)}.AAAA",
            $"{Part(Header())}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(new string('[', 40)))}.AAAA",
            $"{Part(Header())}.{Part(Good.With("padding", new string('x', BearerToken.Longest)))}.AAAA",
        ];

        Assert.All(bad, token => Assert.Equal(TokenRefusal.NotAToken, Refused(token)));
    }

    // JSON, but no text: half of a character, or bytes that are none.
    [Theory]
    [InlineData("""{"alg":"\ud800"}""")]
    [InlineData("""{"alg":"RS256","kid":"\udc00x"}""")]
    [InlineData("""{"alg":"RS256","typ":"\ud800"}""")]
    [InlineData("""{"\ud800":"","alg":"RS256"}""")]
    [InlineData("{\"alg\":\"\u00ff\"}")]
    public void What_is_no_text_is_no_token(string header)
    {
        var strange = Base64Url.EncodeToString(Encoding.Latin1.GetBytes(header));

        Assert.Equal(TokenRefusal.NotAToken, Refused($"{strange}.{Part(Good)}.AAAA"));
        Assert.Equal(TokenRefusal.NotAToken, Refused($"{Part(Header())}.{strange}.AAAA"));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("HS256")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("rs256")]
    [InlineData(null)]
    public void Other_algorithms_are_refused_however_a_token_is_signed(string? algorithm)
    {
        Assert.Equal(TokenRefusal.WrongAlgorithm, Refused(Sign(Header().With("alg", algorithm), Good)));
        Assert.Equal(TokenRefusal.WrongAlgorithm, Refused(SignWithPublicKey(Header().With("alg", algorithm), Good)));
    }

    [Fact]
    public void A_key_is_used_for_its_own_algorithm_and_no_other()
    {
        Assert.Equal(TokenRefusal.UnknownKey, Refused(Sign(Header("ES256").With("kid", "rsa"), Good)));
        Assert.Equal(TokenRefusal.UnknownKey, Refused(Sign(Header().With("kid", "curve"), Good)));
        Assert.Equal(TokenRefusal.WrongSignature, Refused(SignWithPublicKey(Header(), Good)));
    }

    [Fact]
    public void A_changed_token_is_refused()
    {
        var parts = Sign(Header(), Good).Split('.');
        var other = Sign(Header(), Good.With("sub", "bob")).Split('.');

        Assert.Equal(TokenRefusal.WrongSignature, Refused($"{parts[0]}.{other[1]}.{parts[2]}"));
        Assert.Equal(TokenRefusal.WrongSignature, Refused($"{parts[0]}.{parts[1]}.{other[2]}"));
        Assert.Equal(TokenRefusal.WrongSignature, Refused($"{parts[0]}.{parts[1]}.AAAA"));
    }

    [Theory]
    [InlineData("typ", "logout+jwt")]
    [InlineData("typ", 1)]
    [InlineData("crit", "exp")]
    public void Signed_things_that_are_no_tokens_are_refused(string member, object value) => Assert.Equal(
        TokenRefusal.WrongType, Refused(Sign(Header().With(member, JsonValue.Create(value)), Good)));

    [Theory]
    [InlineData("JWT")]
    [InlineData("at+jwt")]
    public void Tokens_go_by_either_type(string type) => Accepted(Sign(Header().With("typ", type), Good));

    [Fact]
    public void A_key_the_issuer_does_not_have_is_unknown_and_its_address_is_not_followed() => Assert.Equal(
        TokenRefusal.UnknownKey,
        Refused(Sign(Header().With("kid", "other").With("jku", "https://evil.example/keys").With("jwk", RsaKey), Good)));

    [Fact]
    public void A_token_without_the_name_of_its_key_has_the_only_one_there_is()
    {
        var token = Sign(Header().Without("kid"), Good);

        Assert.IsType<TokenVerdict.Accepted>(BearerToken.Check(token, Keys, Issuer, Given.Noon));
        Assert.Equal(TokenRefusal.UnknownKey, Refused(token, Set(RsaKey, RsaKey.With("kid", "second"))));
    }

    [Theory]
    [InlineData("iss", "https://issuer.example/", TokenRefusal.WrongIssuer)]
    [InlineData("iss", null, TokenRefusal.WrongIssuer)]
    [InlineData("aud", "other", TokenRefusal.WrongAudience)]
    [InlineData("aud", null, TokenRefusal.WrongAudience)]
    [InlineData("exp", null, TokenRefusal.NoExpiry)]
    [InlineData("exp", "soon", TokenRefusal.NoExpiry)]
    [InlineData("exp", 1e300, TokenRefusal.NoExpiry)]
    [InlineData("sub", "", TokenRefusal.NoSubject)]
    [InlineData("sub", null, TokenRefusal.NoSubject)]
    public void What_a_token_has_to_say_it_has_to_say_right(string claim, object? value, TokenRefusal why) => Assert.Equal(
        why, Refused(Sign(Header(), value is null ? Good.Without(claim) : Good.With(claim, JsonValue.Create(value)))));

    [Fact]
    public void One_audience_of_several_is_enough() => Accepted(Sign(Header(), Good.With("aud", new JsonArray("other", "purser"))));

    // The clocks of both sides may differ by half a minute.
    [Theory]
    [InlineData(-29, null)]
    [InlineData(-31, TokenRefusal.Expired)]
    public void A_token_expires(int secondsLeft, TokenRefusal? why) =>
        Assert.Equal(why, Why(Sign(Header(), Good.With("exp", Seconds(secondsLeft)))));

    // The last second that there is.
    [Fact]
    public void A_token_may_be_good_till_the_end_of_time() =>
        Accepted(Sign(Header(), Good.With("exp", DateTimeOffset.MaxValue.ToUnixTimeSeconds() - 1)));

    [Theory]
    [InlineData(29, null)]
    [InlineData(31, TokenRefusal.NotYetValid)]
    public void A_token_begins(int secondsAhead, TokenRefusal? why) =>
        Assert.Equal(why, Why(Sign(Header(), Good.With("nbf", Seconds(secondsAhead)))));

    [Fact]
    public void A_beginning_that_cannot_be_read_has_not_come() =>
        Assert.Equal(TokenRefusal.NotYetValid, Why(Sign(Header(), Good.With("nbf", "now"))));

    [Theory]
    [InlineData("""{"flag":true}""", "flag", "true", true)]
    [InlineData("""{"flag":false}""", "flag", "true", false)]
    [InlineData("""{"roles":["reader","admin"]}""", "roles", "admin", true)]
    [InlineData("""{"roles":["reader"]}""", "roles", "admin", false)]
    [InlineData("""{"roles":{"admin":true}}""", "roles", "admin", false)]
    [InlineData("""{"level":1}""", "level", "1", false)]
    public void A_claim_has_a_value_or_has_it_among_several(string claims, string name, string value, bool has) =>
        Assert.Equal(has, new Claims(System.Text.Json.JsonElement.Parse(claims)).Has(name, value));

    static long Seconds(int after) => Given.Noon.AddSeconds(after).ToUnixTimeSeconds();

    static Claims Accepted(string token) => Assert.IsType<TokenVerdict.Accepted>(BearerToken.Check(token, Keys, Issuer, Given.Noon)).Claims;

    static TokenRefusal Refused(string token, IReadOnlyList<PublicKey>? keys = null) =>
        Assert.IsType<TokenVerdict.Refused>(BearerToken.Check(token, keys ?? Keys, Issuer, Given.Noon)).Why;

    static TokenRefusal? Why(string token) => (BearerToken.Check(token, Keys, Issuer, Given.Noon) as TokenVerdict.Refused)?.Why;
}
