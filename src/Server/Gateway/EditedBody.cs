using System.Net;
using Purser.Core.Gateway;

namespace Purser.Server.Gateway;

/// <summary>The caller's body as it came, but for the edits: sent from where it stands, never written anew.</summary>
sealed class EditedBody : HttpContent
{
    readonly ReadOnlyMemory<byte> body;
    readonly IReadOnlyList<Edit> edits;
    readonly long length;
    int sending;

    public EditedBody(ReadOnlyMemory<byte> body, IReadOnlyList<Edit> edits, string contentType)
    {
        this.body = body;
        this.edits = edits;
        length = body.Length + edits.Sum(edit => edit.Text.Length - edit.At.Length);
        // Kept to the letter: a multipart body has its boundary in there.
        Headers.TryAddWithoutValidation("Content-Type", contentType);
    }

    /// <summary>A provider may answer before it has read everything; the rest is then still on its way.</summary>
    public bool InUse => Volatile.Read(ref sending) > 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref sending);
        try
        {
            await Write(stream, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref sending);
        }
    }

    async Task Write(Stream stream, CancellationToken ct)
    {
        var from = 0;
        foreach (var edit in edits)
        {
            await stream.WriteAsync(body[from..edit.At.From], ct);
            await stream.WriteAsync(edit.Text, ct);
            from = edit.At.From + edit.At.Length;
        }

        await stream.WriteAsync(body[from..], ct);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = this.length;
        return true;
    }
}
