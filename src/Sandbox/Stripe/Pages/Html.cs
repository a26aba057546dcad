using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace Purser.Sandbox.Stripe.Pages;

/// <summary>
/// Markup that is safe because of how it is written: what stands in the literal is markup, what stands in a hole is
/// text and gets encoded, unless it is markup already.
/// </summary>
readonly record struct Html(string Text)
{
    public static readonly Html None = new("");

    public static Html Of(HtmlWriter written) => new(written.ToString());

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(p => p.Text)));

    public static Html When(bool condition, Html markup) => condition ? markup : None;

    public override string ToString() => Text;
}

[InterpolatedStringHandler]
readonly ref struct HtmlWriter(int literalLength, int formattedCount)
{
    readonly StringBuilder markup = new(literalLength + formattedCount * 16);

    public void AppendLiteral(string literal) => markup.Append(literal);

    public void AppendFormatted(Html html) => markup.Append(html.Text);

    public void AppendFormatted(string? text) => markup.Append(WebUtility.HtmlEncode(text));

    public void AppendFormatted(long number) => markup.Append(CultureInfo.InvariantCulture, $"{number}");

    public override string ToString() => markup.ToString();
}
