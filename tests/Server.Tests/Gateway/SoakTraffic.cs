using System.Collections.Concurrent;
using static Purser.Server.Tests.Gateway.Calling;

namespace Purser.Server.Tests.Gateway;

/// <summary>What somebody saw of a call of theirs.</summary>
/// <param name="Id">As the answer's header has it; none where no answer began, or the call was refused before it was one.</param>
/// <param name="Whole">Whether the answer was read to its end.</param>
sealed record Seen(string? Id, Course? Course, int Status, bool Whole);

/// <summary>Callers at two servers who ask for everything there is, wait for it or do not, and go on when a server dies.</summary>
sealed class SoakTraffic
{
    const int AtOnce = 24;

    // What is slow enough to be left, or to be under way when a server is killed.
    static readonly (string Path, string Body)[] Slow =
    [
        (Chat, Stream("gpt-4o-mini@tokens:40@slow:100ms")),
        (Chat, Stream("gpt-4o-mini@tokens:30@slow:100ms", ""","stream_options":{"include_usage":true}""")),
        (Chat, Stream("gemini-2.5-flash@tokens:30@slow:50ms@reasoning:0")),
        (Messages, Ask("claude-sonnet-5-5@tokens:900@slow:100ms", ""","stream":true,"max_tokens":30""")),
    ];

    static readonly string[] NeverBegins = [Stream("gpt-4o-mini@ttft:60s"), Ask("gpt-4o-mini@ttft:1s")];

    readonly HttpClient[] servers;
    readonly ConcurrentQueue<Seen> seen = [];

    SoakTraffic(HttpClient[] servers, Caller[] callers)
    {
        this.servers = servers;
        Callers = callers;
    }

    public IReadOnlyList<Caller> Callers { get; }

    public IReadOnlyCollection<Seen> Seen => seen;

    /// <summary>With callers who have plenty, some with a budget that they will use up, and some with little.</summary>
    public static async Task<SoakTraffic> Open(HttpClient[] servers)
    {
        var callers = new List<Caller>();
        for (var i = 0; i < 6; i++) callers.Add(await servers[0].GivenCaller());
        for (var i = 0; i < 3; i++) callers.Add(await servers[0].GivenCaller(key: Budget(4000, "total")));
        for (var i = 0; i < 3; i++) callers.Add(await servers[0].GivenCaller(credits: 3000));
        return new(servers, [.. callers]);
    }

    public Task Run(CancellationToken until) => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(worker => Work(new Random(worker), until)));

    async Task Work(Random random, CancellationToken until)
    {
        var courses = Courses.All.Values.ToArray();
        while (!until.IsCancellationRequested)
        {
            var caller = random.GetItems([.. Callers], 1)[0] with { Server = random.GetItems(servers, 1)[0] };
            switch (random.Next(10))
            {
                case < 6:
                    var course = random.GetItems(courses, 1)[0];
                    await Follow(caller, course.Path, course.Body, course, leaveAfter: null);
                    break;
                case < 9:
                    var (path, body) = random.GetItems(Slow, 1)[0];
                    await Follow(caller, path, body, course: null, leaveAfter: random.Next(2) == 0 ? random.Next(20) : null);
                    break;
                default:
                    await Leave(caller, random.GetItems(NeverBegins, 1)[0], TimeSpan.FromMilliseconds(random.Next(300)));
                    break;
            }
        }
    }

    async Task Follow(Caller caller, string path, string body, Course? course, int? leaveAfter)
    {
        string? id = null;
        var status = 0;
        var whole = false;
        try
        {
            using var answer = await caller.Begin(path, body, CancellationToken.None);
            status = (int)answer.StatusCode;
            id = answer.Headers.TryGetValues("Purser-Call-Id", out var ids) ? ids.Single() : null;
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(CancellationToken.None));
            for (var read = 0; leaveAfter is null || read < leaveAfter; read++)
            {
                whole = await lines.ReadLineAsync(CancellationToken.None) is null;
                if (whole) break;
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The server was killed, or the provider broke off.
        }

        await Note(new(id, course, status, whole));
    }

    async Task Leave(Caller caller, string body, TimeSpan patience)
    {
        using var over = new CancellationTokenSource(patience);
        try
        {
            using var answer = await caller.Begin(Chat, body, over.Token);
            await Note(new(null, null, (int)answer.StatusCode, Whole: false));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            await Note(new(null, null, 0, Whole: false));
        }
    }

    // Where nobody listens, one does not ask without end.
    async Task Note(Seen one)
    {
        seen.Enqueue(one);
        if (one.Status == 0) await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
    }
}
