using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Gateway;

/// <summary>Everything a server logs, at any level, exceptions included.</summary>
sealed class Logbook : ILoggerProvider
{
    readonly ConcurrentQueue<(int Event, string Text)> lines = new();

    public IEnumerable<string> Lines => lines.Select(line => line.Text);

    /// <summary>Those of one kind of event, by its number.</summary>
    public IEnumerable<string> Of(int number) => lines.Where(line => line.Event == number).Select(line => line.Text);

    public ILogger CreateLogger(string categoryName) => new Pen(this);

    public void Dispose()
    {
    }

    sealed class Pen(Logbook book) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            book.lines.Enqueue((eventId.Id, $"{formatter(state, exception)} {exception}"));
    }
}
