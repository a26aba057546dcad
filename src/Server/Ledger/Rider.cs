using Npgsql;
using Purser.Core.Ledger;

namespace Purser.Server.Ledger;

/// <summary>
/// A row of another slice on its way with a command. It is written in the command's own transaction, when and only when
/// the command did something: not where it was refused, and not where it is only answered again.
/// </summary>
sealed record Rider(Riders Kind, object Row);

/// <summary>One kind of riders: those of a batch are written by one statement.</summary>
abstract class Riders
{
    public abstract void Add(NpgsqlBatch batch, IEnumerable<(object Row, Receipt Receipt)> rows);
}

/// <param name="add">
/// Adds the statement that writes the rows, each with the receipt of its command. It is called again where a batch is run
/// again, so it does nothing else.
/// </param>
sealed class Riders<TRow>(Action<NpgsqlBatch, List<(TRow Row, Receipt Receipt)>> add) : Riders where TRow : notnull
{
    public Rider Of(TRow row) => new(this, row);

    public override void Add(NpgsqlBatch batch, IEnumerable<(object Row, Receipt Receipt)> rows) =>
        add(batch, [.. rows.Select(one => ((TRow)one.Row, one.Receipt))]);
}
