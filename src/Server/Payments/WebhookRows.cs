using Npgsql;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>Where an event stands. The numbers are stored: never renumber.</summary>
enum EventState
{
    Pending = 1,
    Done = 2,

    /// <summary>Of a kind that changes nothing here, or about something that is not ours.</summary>
    Ignored = 3,

    /// <summary>It could not be applied, and will be tried again until it can or a person decides.</summary>
    Failed = 4,

    /// <summary>A person decided that it will never be applied.</summary>
    Discarded = 5,
}

/// <summary>An event as it came in.</summary>
sealed record ReceivedEvent(
    string Id, string Type, string? Object, bool Livemode, string? ApiVersion, DateTimeOffset Created, byte[] Body,
    DateTimeOffset ReceivedAt, EventState State);

/// <summary>An event that is to be applied now.</summary>
sealed record DueEvent(string Id, string Type, string? Object, int Attempts, DateTimeOffset ReceivedAt);

sealed record EventAnswer(
    string Id, string Type, string? Object, string State, int Attempts, DateTimeOffset? NextAttemptAt, string? Error,
    DateTimeOffset Created, DateTimeOffset ReceivedAt, DateTimeOffset? FinishedAt);

static class WebhookRows
{
    /// <summary>Keeps events that are new; a second delivery of one changes nothing.</summary>
    public static async Task Keep(this NpgsqlDataSource source, List<ReceivedEvent> events, CancellationToken ct)
    {
        // Of two deliveries in one batch, one.
        var rows = events.DistinctBy(one => one.Id).ToArray();
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(
            """
            insert into webhook_event (id, type, object, livemode, api_version, created, received_at, body, state,
              next_attempt_at, finished_at)
            select id, type, object, livemode, api_version, created, received_at, body, state,
              case when state = 1 then received_at end, case when state <> 1 then received_at end
            from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::timestamptz[],
              $7::timestamptz[], $8::bytea[], $9::smallint[])
              as u (id, type, object, livemode, api_version, created, received_at, body, state)
            on conflict (id) do nothing
            """,
            Array.ConvertAll(rows, one => one.Id),
            Array.ConvertAll(rows, one => one.Type),
            Array.ConvertAll(rows, one => one.Object),
            Array.ConvertAll(rows, one => one.Livemode),
            Array.ConvertAll(rows, one => one.ApiVersion),
            Array.ConvertAll(rows, one => one.Created),
            Array.ConvertAll(rows, one => one.ReceivedAt),
            Array.ConvertAll(rows, one => one.Body),
            Array.ConvertAll(rows, one => (short)one.State));
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Takes what is due, the oldest first, for so long that nobody else tries it meanwhile. Whoever takes it and dies
    /// leaves it due again after that.
    /// </summary>
    public static Task<List<DueEvent>> Lease(
        this Db db, DateTimeOffset now, TimeSpan lease, int most, CancellationToken ct) => db.All($"""
        with due as (
          select id from webhook_event
          where next_attempt_at <= {now}
          order by next_attempt_at limit {most}
          for update skip locked
        )
        update webhook_event e set next_attempt_at = {now + lease}, attempts = attempts + 1
        from due where e.id = due.id
        returning e.id, e.type, e.object, e.attempts, e.received_at
        """, row => new DueEvent(row.GetString(0), row.GetString(1), row.Text(2), row.GetInt32(3), row.GetInstant(4)), ct);

    public static Task Finish(this Db db, string[] ids, EventState state, DateTimeOffset now, CancellationToken ct) =>
        db.Run($"""
            update webhook_event set state = {(short)state}, next_attempt_at = null, error = null, finished_at = {now}
            where id = any({ids}) and next_attempt_at is not null
            """, ct);

    public static Task Fail(this Db db, string id, string error, DateTimeOffset nextAttempt, CancellationToken ct) =>
        db.Run($"""
            update webhook_event set state = {(short)EventState.Failed}, next_attempt_at = {nextAttempt}, error = {error}
            where id = {id} and next_attempt_at is not null
            """, ct);

    public static Task<List<EventAnswer>> Events(
        this Db db, EventState? state, string? after, int limit, CancellationToken ct)
    {
        var wanted = (short?)state;
        return db.All($"""
            select id, type, object, state, attempts, next_attempt_at, error, created, received_at, finished_at
            from webhook_event
            where ({wanted}::smallint is null or state = {wanted}::smallint)
              and ({after}::text is null
                or (received_at, id) < (select received_at, id from webhook_event where id = {after}::text))
            order by received_at desc, id desc limit {limit}
            """, Read, ct);
    }

    public static Task<EventAnswer?> Event(this Db db, string id, CancellationToken ct) => db.One($"""
        select id, type, object, state, attempts, next_attempt_at, error, created, received_at, finished_at
        from webhook_event where id = {id}
        """, Read, ct);

    /// <summary>Makes it due now, whatever had become of it but done.</summary>
    public static Task Retry(this Db db, string id, DateTimeOffset now, CancellationToken ct) => db.Run($"""
        update webhook_event set state = {(short)EventState.Pending}, next_attempt_at = {now}, finished_at = null
        where id = {id} and state <> {(short)EventState.Done}
        """, ct);

    public static Task Discard(this Db db, string id, DateTimeOffset now, CancellationToken ct) => db.Run($"""
        update webhook_event set state = {(short)EventState.Discarded}, next_attempt_at = null, finished_at = {now}
        where id = {id} and next_attempt_at is not null
        """, ct);

    static EventAnswer Read(NpgsqlDataReader row) => new(
        row.GetString(0),
        row.GetString(1),
        row.Text(2),
        Names.Of((EventState)row.GetInt16(3)),
        row.GetInt32(4),
        row.IsDBNull(5) ? null : row.GetInstant(5),
        row.Text(6),
        row.GetInstant(7),
        row.GetInstant(8),
        row.IsDBNull(9) ? null : row.GetInstant(9));
}
