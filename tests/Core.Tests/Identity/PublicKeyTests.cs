using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Purser.Core.Identity;
using static Purser.Core.Tests.Identity.Tokens;

namespace Purser.Core.Tests.Identity;

public sealed class PublicKeyTests
{
    [Fact]
    public void A_key_set_holds_keys_of_both_kinds() =>
        Assert.Equal([("rsa", SigningAlgorithm.Rs256), ("curve", SigningAlgorithm.Es256)], Keys.Select(key => (key.Id, key.Algorithm)));

    public static TheoryData<string> Unfit =>
    [
        .. new[]
        {
            RsaKey.With("use", "enc"),
            RsaKey.With("alg", "RS512"),
            RsaKey.With("key_ops", new JsonArray("sign")),
            RsaKey.With("n", Short()),
            RsaKey.With("n", "not base64!"),
            RsaKey.Without("n"),
            RsaKey.With("e", "AQ"),
            RsaKey.With("e", "Ag"),
            RsaKey.With("e", ""),
            RsaKey.With("kty", "oct").With("k", "c2VjcmV0"),
            CurveKey.With("crv", "P-384"),
            CurveKey.With("alg", "RS256"),
            CurveKey.With("x", Base64Url.EncodeToString(new byte[31])),
            // No point of the curve.
            CurveKey.With("x", Base64Url.EncodeToString(Enumerable.Repeat((byte)1, 32).ToArray())),
        }.Select(key => key.ToJsonString()),
    ];

    [Theory]
    [MemberData(nameof(Unfit))]
    public void What_is_unfit_to_sign_tokens_is_left_out_and_the_others_stay(string key) =>
        Assert.Equal(["curve"], Set(JsonNode.Parse(key)!.AsObject().With("kid", "unfit"), CurveKey).Select(one => one.Id));

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("no JSON")]
    public void What_is_no_key_set_is_none(string text) => Assert.Null(PublicKey.ReadSet(System.Text.Encoding.UTF8.GetBytes(text)));

    static string Short()
    {
        using var rsa = RSA.Create(1024);
        return Base64Url.EncodeToString(rsa.ExportParameters(false).Modulus);
    }
}
