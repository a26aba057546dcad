using System.Security.Cryptography;
using System.Text;
using Purser.Core.Payments;

namespace Purser.Core.Tests.Payments;

public sealed class StripeSignatureTests
{
    const string Secret = "whsec_one";

    // A euro sign and an umlaut: whoever signs text that was read and written again gets these wrong.
    static readonly byte[] Body = Encoding.UTF8.GetBytes("""{ "name" : "Jürgen",  "price":"5 €" }""");

    [Fact]
    public void What_was_signed_with_a_known_secret_is_valid() =>
        Assert.Equal(SignatureVerdict.Valid, Check(Header(Secret)));

    [Fact]
    public void The_scheme_is_the_documented_one()
    {
        var time = Given.Noon.ToUnixTimeSeconds();
        var message = Encoding.UTF8.GetBytes($"{time}.").Concat(Body).ToArray();
        var mac = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), message));

        Assert.Equal($"t={time},v1={mac}", Header(Secret));
    }

    [Theory]
    [InlineData(300, SignatureVerdict.Valid)]
    [InlineData(-300, SignatureVerdict.Valid)]
    [InlineData(301, SignatureVerdict.Stale)]
    [InlineData(-301, SignatureVerdict.Stale)]
    public void Five_minutes_either_way_are_tolerated(int seconds, SignatureVerdict verdict) =>
        Assert.Equal(verdict, StripeSignature.Check(Header(Secret), Body, [Secret], Given.Noon.AddSeconds(seconds)));

    [Fact]
    public void Both_secrets_count_while_one_is_rolled()
    {
        Assert.Equal(SignatureVerdict.Valid, StripeSignature.Check(Header("whsec_two"), Body, [Secret, "whsec_two"], Given.Noon));

        var other = Header("whsec_other").Split(',')[1];
        Assert.Equal(SignatureVerdict.Valid, Check($"{Header(Secret)},{other}"));
        Assert.Equal(SignatureVerdict.Valid, Check(Header(Secret).Replace("v1=", $"{other},v1=", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("t=,v1=")]
    [InlineData("v1=00")]
    [InlineData("t=12x,v1=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("t=99999999999999999999,v1=0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("t=1767268800")]
    public void What_is_no_signature_is_missing(string? header) => Assert.Equal(SignatureVerdict.Missing, Check(header));

    [Fact]
    public void A_signature_of_another_scheme_proves_nothing() =>
        Assert.Equal(SignatureVerdict.Missing, Check(Header(Secret).Replace("v1=", "v0=", StringComparison.Ordinal)));

    [Fact]
    public void Another_secret_another_body_and_another_time_are_wrong()
    {
        Assert.Equal(SignatureVerdict.Wrong, Check(Header("whsec_other")));
        Assert.Equal(SignatureVerdict.Wrong, StripeSignature.Check(Header(Secret), Body.AsSpan(1), [Secret], Given.Noon));
        var earlier = StripeSignature.Header(Secret, Given.Noon.AddSeconds(-1), Body).Split(',')[0];
        Assert.Equal(SignatureVerdict.Wrong, Check($"{earlier},{Header(Secret).Split(',')[1]}"));
        Assert.Equal(SignatureVerdict.Wrong, StripeSignature.Check(Header(Secret), Body, [], Given.Noon));
    }

    static SignatureVerdict Check(string? header) => StripeSignature.Check(header, Body, [Secret], Given.Noon);

    static string Header(string secret) => StripeSignature.Header(secret, Given.Noon, Body);
}
