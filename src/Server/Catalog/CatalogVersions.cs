using Purser.Server.Platform;

namespace Purser.Server.Catalog;

static class CatalogVersions
{
    sealed record Version(int Number);

    /// <summary>
    /// The number of what a catalog says: that under which it has been known, or the next one. A file that goes back to
    /// what it said before has its old number again, because every price in it is the old price.
    /// </summary>
    public static Task<int> Number(
        this Db db, CatalogReading.Sound catalog, DateTimeOffset now, CancellationToken ct) => db.Transact(async tx =>
    {
        // Servers that start together wait here for one another, so that one change is one version.
        await tx.Run($"lock table catalog_version in share row exclusive mode", ct);
        await tx.Run($"""
            insert into catalog_version (number, digest, content, at)
            select coalesce(max(number), 0) + 1, {catalog.Digest}, {catalog.Text}, {now} from catalog_version
            on conflict (digest) do nothing
            """, ct);
        var version = await tx.One($"""
            select number from catalog_version where digest = {catalog.Digest}
            """, row => new Version(row.GetInt32(0)), ct);
        return version!.Number;
    }, ct);
}
