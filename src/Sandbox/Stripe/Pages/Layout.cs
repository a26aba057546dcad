namespace Purser.Sandbox.Stripe.Pages;

/// <summary>What all pages of the sandbox look like: a plain form of the pages Stripe hosts.</summary>
static class Layout
{
    public static IResult Page(string title, Html body, int status = 200) => Results.Content(Html.Of($"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>{title}</title>
        <style>{Style}</style>
        </head>
        <body>
        {body}
        </body>
        </html>
        """).Text, "text/html; charset=utf-8", statusCode: status);

    public static IResult Message(string title, string text, string? link = null, string? label = null,
        int status = 200) =>
        Page(title, Html.Of($"""
            <main class="single">{Merchant(null)}<h1>{title}</h1><p>{text}</p>
            {Html.When(link is not null, Html.Of($"""<p><a class="button" href="{link}">{label}</a></p>"""))}</main>
            """), status);

    /// <summary>Who is paid, that it is only a test, and the way back to the shop.</summary>
    public static Html Merchant(string? back) => Html.Of($"""
        <p class="merchant">{Html.When(back is not null, Html.Of($"""<a id="back" href="{back}" aria-label="Back">←</a>"""))}
        <b class="logo">P</b> Purser sandbox <span class="badge">TEST MODE</span></p>
        """);

    public static Html Line(string? name, Html amount, string? note = null) => Html.Of($"""
        <div class="line"><span>{name}{Html.When(note is not null, Html.Of($"""<small>{note}</small>"""))}</span><span>{amount}</span></div>
        """);

    public static Html Sum(string name, string amount) =>
        Html.Of($"""<div class="line sum"><span>{name}</span><span>{amount}</span></div>""");

    public static Html Field(string name, string label, JsonObject sent, string autocomplete) => Html.Of($"""
        <label for="{name}">{label}</label><input id="{name}" name="{name}" autocomplete="{autocomplete}" value="{sent.Text(name)}">
        """);

    public static string Day(long at) =>
        DateTimeOffset.FromUnixTimeSeconds(at).ToString("d MMMM yyyy", CultureInfo.InvariantCulture);

    public static IResult Missing() =>
        Message("Something went wrong", "The page you were looking for could not be found.", status: 404);

    public static Html Error(string? message) =>
        Html.When(message is not null, Html.Of($"""<p class="error" role="alert" id="error">{message}</p>"""));

    static readonly Html Style = new("""
        * { box-sizing: border-box }
        body { margin: 0; font: 15px/1.45 -apple-system, "Segoe UI", Roboto, Ubuntu, "Helvetica Neue", sans-serif; color: #1a1f36; background: #fff }
        .split { display: grid; grid-template-columns: 1fr 1fr; min-height: 100vh } .split > * { padding: 64px 8vw 48px }
        .summary { background: #f7f8fa } .form { box-shadow: 15px 0 30px rgba(0,0,0,.18) } .split > * > * { max-width: 420px; margin-left: auto; margin-right: auto }
        .single { max-width: 660px; margin: 0 auto; padding: 56px 24px }
        .merchant { display: flex; align-items: center; gap: 8px; font-weight: 600; margin-top: 0; margin-bottom: 32px } .merchant a { text-decoration: none; color: #697386 }
        .logo { display: inline-grid; place-items: center; width: 28px; height: 28px; border-radius: 50%; color: #fff; background: #3b4a6b; font-size: 14px }
        .badge { background: #ffde92; color: #983705; font-size: 11px; font-weight: 600; padding: 1px 6px; border-radius: 4px }
        h1 { font-size: 24px } .total { font-size: 36px; font-weight: 600; margin-top: 4px; margin-bottom: 28px; letter-spacing: -.5px } .portal .total { font-size: 22px; margin: 0 0 8px }
        .muted, .summary h1 { color: #697386; font-weight: 500; font-size: 15px; margin-bottom: 0 } .form h2 { font-size: 16px; margin: 28px auto 0 } .form h2:first-child { margin-top: 0 }
        .line { display: flex; justify-content: space-between; gap: 24px; padding: 8px 0 } .line.sum { border-top: 1px solid #dfe3e8; font-weight: 600; margin-top: 8px; padding-top: 16px }
        small { display: block; color: #697386; font-size: 13px; max-width: 300px }
        label, legend { display: block; font-size: 13px; font-weight: 500; color: #4f566b; margin: 16px 0 6px; padding: 0 } fieldset { border: 0; margin: 0; padding: 0 }
        input:not([type=radio]):not([type=checkbox]), select { width: 100%; padding: 10px 12px; font: inherit; border: 1px solid #d5dbe1; border-radius: 6px; background: #fff; box-shadow: 0 1px 1px rgba(0,0,0,.03) }
        input:focus, select:focus { outline: 3px solid rgba(5,112,222,.25); border-color: #0570de }
        .card input { border-radius: 6px 6px 0 0 } .pair { display: grid; grid-template-columns: 1fr 1fr } .card .pair input { border-top: 0; border-radius: 0 0 0 6px } .card .pair input + input { border-left: 0; border-radius: 0 0 6px 0 }
        input.wrong { border-color: #df1b41; color: #df1b41 } .error { color: #df1b41 } a { color: #0570de }
        button, .button { display: block; width: 100%; margin-top: 24px; padding: 11px 16px; font-family: inherit; font-size: 15px; font-weight: 600; text-align: center; text-decoration: none; color: #fff; background: #0570de; border: 0; border-radius: 6px; cursor: pointer; box-shadow: 0 2px 4px rgba(0,0,0,.1) }
        button:hover, .button:hover { background: #0461c2 } .plain { background: #fff; color: #1a1f36; border: 1px solid #d5dbe1 } .plain:hover { background: #f7f8fa }
        .code { display: flex; gap: 8px; padding: 8px 0 } .code button { width: auto; margin: 0 } details { color: #697386; font-size: 13px; margin-top: 20px } code { color: #1a1f36 }
        section { border-top: 1px solid #dfe3e8; margin-top: 28px; padding-top: 12px } section h2 { font-size: 12px; letter-spacing: .4px; text-transform: uppercase; color: #697386 }
        .portal { display: grid; grid-template-columns: minmax(280px, 34%) 1fr; min-height: 100vh } .portal > * { padding: 64px 6vw 48px } .portal > main { max-width: 760px } .portal aside { background: #f7f8fa; box-shadow: inset -1px 0 #e3e8ee }
        .row { display: flex; justify-content: space-between; gap: 24px; align-items: flex-start } .row .button { width: auto; margin: 4px 0 0; white-space: nowrap } .row .button + .button { margin-top: 8px }
        .tag { font-size: 12px; font-weight: 600; padding: 1px 6px; border-radius: 4px; background: #d7f7c2; color: #05690d } .tag.off { background: #ebeef1; color: #4f566b } .tag.late { background: #ffe7f2; color: #b3063d }
        .paper + form { margin-top: 32px } .form legend { margin-top: 8px } dt::first-letter, label::first-letter { text-transform: uppercase } .paper { border: 1px solid #dfe3e8; border-radius: 8px; padding: 24px 32px; box-shadow: 0 2px 12px rgba(0,0,0,.06) } dl { display: grid; grid-template-columns: 140px 1fr; gap: 6px; margin: 0 0 16px } dt { color: #697386 } dd { margin: 0 }
        @media (max-width: 800px) { .split, .portal { grid-template-columns: 1fr; min-height: 0 } .split > *, .portal > * { padding: 32px 24px } }
        """);
}
