using System.Runtime.InteropServices;

namespace Purser.Server;

/// <summary>
/// Ctrl-C, and what systemd sends: the first asks everything to end in order, the second ends at once.
/// Closing the terminal (SIGHUP) is left alone, so that nohup works as everywhere.
/// </summary>
sealed partial class Interrupt : IDisposable
{
    const int NumberOfSigint = 2;

    readonly CancellationTokenSource asked = new();
    readonly PosixSignalRegistration[] signals;

    public Interrupt()
    {
        // A script that starts us in its background has us ignore Ctrl-C, and the runtime respects that. But who sends
        // it to us means it; without this, `./purser up &` could not be stopped the way that help promises.
        Heed(NumberOfSigint, handler: 0);
        signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT }
            .Select(signal => PosixSignalRegistration.Create(signal, Ask))];
    }

    public CancellationToken Token => asked.Token;

    public void Dispose()
    {
        foreach (var signal in signals) signal.Dispose();
        asked.Dispose();
    }

    void Ask(PosixSignalContext context)
    {
        context.Cancel = true;
        if (asked.IsCancellationRequested) Environment.Exit(130);
        asked.Cancel();
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Heed(int signal, nint handler);
}
