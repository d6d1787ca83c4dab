using System.Buffers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>
/// The console of Production: <see cref="JsonLines"/>, those of ten milliseconds in one write. The framework's own wakes a thread and makes a
/// system call for each, which for a line a request is a good part of what a small answer costs. Errors are written at once, and whoever logs
/// faster than the console takes waits.
/// </summary>
[ProviderAlias("Console")]
internal sealed class ConsoleLines : ILoggerProvider
{
    private const int MostWaiting = 4 * 1024 * 1024;
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);
    private readonly TimeProvider _time;
    private readonly Stream _output;
    private readonly Thread _writer;
    private readonly object _gate = new();
    private ArrayBufferWriter<byte> _filling = new(64 * 1024);
    private ArrayBufferWriter<byte> _writing = new(64 * 1024);
    private bool _isUrgent;
    private bool _isOver;

    public ConsoleLines(TimeProvider time)
        : this(time, Console.OpenStandardOutput())
    {
    }

    internal ConsoleLines(TimeProvider time, Stream output)
    {
        (_time, _output) = (time, output);
        _writer = new Thread(WriteAll) { IsBackground = true, Name = nameof(ConsoleLines) };
        _writer.Start();
        AppDomain.CurrentDomain.UnhandledException += OnUnhandledException;
    }

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    /// <summary>Writes what waits.</summary>
    public void Dispose()
    {
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandledException;
        lock (_gate)
        {
            _isOver = true;
            Monitor.PulseAll(_gate);
        }

        _writer.Join();
    }

    private void OnUnhandledException(object sender, UnhandledExceptionEventArgs e) => Dispose();

    private void Add(ReadOnlySpan<byte> line, bool isUrgent)
    {
        lock (_gate)
        {
            while (_filling.WrittenCount > MostWaiting && !_isOver)
            {
                Monitor.Wait(_gate);
            }

            if (_isOver)
            {
                return;
            }

            _filling.Write(line);
            _isUrgent |= isUrgent;
            if (isUrgent || _filling.WrittenCount == line.Length)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void WriteAll()
    {
        while (Next() is { WrittenCount: > 0 } lines)
        {
            try
            {
                _output.Write(lines.WrittenSpan);
                _output.Flush();
            }
            catch (IOException)
            {
                // Nobody reads the console any more, and there is nobody else to tell; the service goes on.
            }

            lines.ResetWrittenCount();
        }
    }

    /// <summary>What was gathered; nothing at the end.</summary>
    private ArrayBufferWriter<byte> Next()
    {
        lock (_gate)
        {
            while (_filling.WrittenCount == 0 && !_isOver)
            {
                Monitor.Wait(_gate);
            }

            if (!_isUrgent && !_isOver)
            {
                Monitor.Wait(_gate, Gathering);
            }

            (_filling, _writing) = (_writing, _filling);
            _isUrgent = false;
            Monitor.PulseAll(_gate);
            return _writing;
        }
    }

    private sealed class Category(ConsoleLines console, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            console.Add(
                JsonLines.Write(console._time.GetUtcNow(), new LogEntry<TState>(logLevel, name, eventId, state, exception, formatter)),
                logLevel >= LogLevel.Error);
    }
}
