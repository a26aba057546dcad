using System.Runtime.CompilerServices;

namespace Purser.Client;

/// <summary>
/// AI work that your product does itself, beside the gateway: the dearest it can come to is held before it begins, what it
/// took is charged when it ends, however it ends, and once.
/// </summary>
public sealed class Operations
{
    // Of one name: each goes on where the one before was given up.
    const int MostAttempts = 100;

    static readonly TimeSpan OrdinaryLength = TimeSpan.FromHours(1);

    readonly Holds holds;
    readonly PurserClientOptions options;
    readonly Transport transport;

    internal Operations(Transport transport, Holds holds, PurserClientOptions options) =>
        (this.transport, this.holds, this.options) = (transport, holds, options);

    /// <summary>Does work that answers in one piece.</summary>
    /// <param name="customer">Your own id of who pays.</param>
    /// <param name="worst">The dearest it can come to. Where it does not say when it expires, after an hour.</param>
    /// <param name="work">The work. It reports what it used to the operation it is given.</param>
    /// <param name="unfinished">What it costs if the work throws or is cancelled.</param>
    /// <param name="cancellationToken">Ends the work. What it took is charged nevertheless.</param>
    /// <exception cref="InsufficientCreditsException">There is too little; the work was not begun.</exception>
    /// <exception cref="UnsettledException">The work was done, and could not be charged.</exception>
    public async Task<T> RunAsync<T>(
        string customer, NewHold worst, Func<Operation, CancellationToken, Task<T>> work,
        Unfinished unfinished = Unfinished.ChargeReported, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        var operation = await BeginAsync(customer, worst, unfinished, cancellationToken).ConfigureAwait(false);
        await using var settled = operation.ConfigureAwait(false);
        try
        {
            var result = await work(operation, cancellationToken).ConfigureAwait(false);
            await operation.SettleAsync().ConfigureAwait(false);
            return result;
        }
        catch (Exception e) when (e is not UnsettledException)
        {
            operation.Failed(e, cancellationToken);
            throw;
        }
    }

    /// <summary>
    /// Does work that answers bit by bit. It is charged when the last item has been read, or when whoever reads stops.
    /// Items that are text are also counted, for an estimate of what no usage was reported for.
    /// </summary>
    /// <param name="customer">Your own id of who pays.</param>
    /// <param name="worst">The dearest it can come to. Where it does not say when it expires, after an hour.</param>
    /// <param name="work">The work. It reports what it used to the operation it is given.</param>
    /// <param name="unfinished">What it costs if the work throws, is cancelled, or is not read to its end.</param>
    /// <param name="cancellationToken">Ends the work. What it took is charged nevertheless.</param>
    /// <exception cref="InsufficientCreditsException">There is too little; the work was not begun.</exception>
    /// <exception cref="UnsettledException">The work was done, and could not be charged.</exception>
    public async IAsyncEnumerable<T> StreamAsync<T>(
        string customer, NewHold worst, Func<Operation, CancellationToken, IAsyncEnumerable<T>> work,
        Unfinished unfinished = Unfinished.ChargeReported,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        var operation = await BeginAsync(customer, worst, unfinished, cancellationToken).ConfigureAwait(false);
        await using var settled = operation.ConfigureAwait(false);
        // Inside: what the work reports while it is put away still counts.
        await using (var items = new Watched<T>(operation, work, cancellationToken))
        {
            while (await items.Next().ConfigureAwait(false))
            {
                if (items.Current is string text) operation.Received(text);
                else operation.ReceivedSomething();
                yield return items.Current;
            }
        }

        await operation.SettleAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Begins an operation by hand, for work that fits neither of the other two. Dispose it; what has not been settled by
    /// then counts as unfinished.
    /// </summary>
    /// <param name="customer">Your own id of who pays.</param>
    /// <param name="worst">The dearest it can come to. Where it does not say when it expires, after an hour.</param>
    /// <param name="unfinished">What it costs if it is disposed before it is settled.</param>
    /// <param name="cancellationToken">Gives up at once. A hold that came about nevertheless expires by itself.</param>
    /// <exception cref="InsufficientCreditsException">There is too little.</exception>
    /// <exception cref="ConflictException">Under this idempotency key it was done and charged before.</exception>
    public async Task<Operation> BeginAsync(
        string customer, NewHold worst, Unfinished unfinished = Unfinished.ChargeReported,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(worst);
        if (!Enum.IsDefined(unfinished)) throw new ArgumentOutOfRangeException(nameof(unfinished));
        var name = worst.IdempotencyKey ?? transport.NewKey();
        for (var attempt = 1; ; attempt++)
        {
            var named = worst with
            {
                IdempotencyKey = attempt == 1 ? name : $"{name}.{attempt}",
                ExpiresIn = worst.ExpiresIn ?? OrdinaryLength,
            };
            var hold = await holds.CreateAsync(customer, named, cancellationToken).ConfigureAwait(false);
            if (await IsOpen(hold, name, attempt, cancellationToken).ConfigureAwait(false))
                return new(holds, hold, named, unfinished, options);
        }
    }

    /// <summary>Under a key that was used before, the hold of then is gone on with, if it still stands.</summary>
    async Task<bool> IsOpen(Hold hold, string key, int attempt, CancellationToken ct)
    {
        if (!hold.Replayed) return true;

        var state = (await holds.GetAsync(hold.Id, ct).ConfigureAwait(false)).State;
        if (state == HoldState.Open) return true;
        if (state is HoldState.Released or HoldState.Expired && attempt < MostAttempts) return false;

        throw (Failure.DoneBefore with { Key = key }).AsException();
    }

    /// <summary>The items of the work, and what went wrong with them.</summary>
    sealed class Watched<T>(
        Operation operation, Func<Operation, CancellationToken, IAsyncEnumerable<T>> work, CancellationToken ct)
        : IAsyncDisposable
    {
        IAsyncEnumerator<T>? items;

        public T Current => items!.Current;

        public async ValueTask<bool> Next()
        {
            try
            {
                items ??= work(operation, ct).GetAsyncEnumerator(ct);
                return await items.MoveNextAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                operation.Failed(e, ct);
                throw;
            }
        }

        public ValueTask DisposeAsync() => items?.DisposeAsync() ?? default;
    }
}
