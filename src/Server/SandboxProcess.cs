using System.Diagnostics;
using Purser.Server.Platform;

namespace Purser.Server;

/// <summary>
/// The sandbox as a process of its own, since the server must not be able to tell it from the world. Its standard input
/// is its lifeline: when we end, however suddenly, the pipe closes and it ends too. If it dies, it is started again.
/// </summary>
sealed class SandboxProcess : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    readonly CancellationTokenSource stopping = new();
    readonly Settings settings;
    readonly Action<string> say;
    readonly string log;
    readonly Task life;
    volatile string lastLine = "it said nothing";
    bool answered;

    SandboxProcess(Settings settings, Action<string> say, CancellationToken interrupted)
    {
        this.settings = settings;
        this.say = say;
        log = Path.Combine(settings.DataFolder, "sandbox.log");
        life = Live(Spawn(), interrupted, stopping.Token);
    }

    /// <summary>A terminal's Ctrl-C reaches the sandbox as well: after an interrupt its end is no accident.</summary>
    public static SandboxProcess Start(Settings settings, Action<string> say, CancellationToken interrupted) =>
        new(settings, say, interrupted);

    /// <summary>Returns when the sandbox can be called, or throws what kept it from starting.</summary>
    public async Task Answers(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        using var http = new HttpClient();
        try
        {
            while (!life.IsCompleted)
            {
                try
                {
                    using var response = await http.GetAsync(settings.Sandbox, patience.Token);
                    answered = true;
                    return;
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(25), patience.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new StartFailure(
                $"The sandbox did not answer within {Patience.TotalSeconds} seconds; its log is {log}.");
        }

        await life;
        throw new StartFailure($"The sandbox did not start: {lastLine} (its log is {log})");
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await life;
        stopping.Dispose();
    }

    async Task Live(Process first, CancellationToken interrupted, CancellationToken ct)
    {
        var process = first;
        while (true)
        {
            using (process)
            {
                await RunToItsEnd(process, ct);
            }

            // One that never answered would only fail again, and `up` says why.
            if (ct.IsCancellationRequested || interrupted.IsCancellationRequested || !answered) return;
            say("The sandbox has stopped; starting it again.");
            await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(1), ct));
            if (ct.IsCancellationRequested) return;
            process = Spawn();
        }
    }

    async Task RunToItsEnd(Process process, CancellationToken ct)
    {
        await using var file = new StreamWriter(log, append: false) { AutoFlush = true };
        var output = Task.WhenAll(Keep(process.StandardOutput, file), Keep(process.StandardError, file));
        try
        {
            await process.WaitForExitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            process.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try { await process.WaitForExitAsync(patience.Token); }
            catch (OperationCanceledException) { process.Kill(entireProcessTree: true); }
        }

        await output;
    }

    async Task Keep(StreamReader output, StreamWriter file)
    {
        while (await output.ReadLineAsync(CancellationToken.None) is { } line)
        {
            if (line.Length > 0) lastLine = line.Trim();
            lock (file) file.WriteLine(line);
        }
    }

    Process Spawn()
    {
        // Beside our own folder, under the same configuration: …/Server/release and …/Sandbox/release.
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(own.Parent!.Parent!.FullName, "Sandbox", own.Name, "Purser.Sandbox.dll");
        if (!File.Exists(program))
            throw new StartFailure($"The sandbox is not built: {program} is missing. ./purser up builds it.");

        var self = Environment.ProcessPath;
        var start = new ProcessStartInfo(Path.GetFileName(self) == "dotnet" ? self! : "dotnet", [program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PURSER_SANDBOX_PORT"] = $"{settings.SandboxPort}";
        start.Environment["PURSER_SANDBOX_DATA"] = Path.Combine(settings.DataFolder, "sandbox");
        start.Environment["PURSER_SANDBOX_LIFELINE"] = "1";
        return Process.Start(start)!;
    }
}
