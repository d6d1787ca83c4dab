using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// Has the database's log flushed soon after something was committed without a wait for the disk, on a session of its own, so that those who
/// write go on meanwhile: a commit that waits flushes all that was committed before it.
/// </summary>
/// <param name="last">The last batch that was committed; null where none waits for the disk.</param>
/// <param name="flushed">Is told up to which batch a flush has succeeded.</param>
internal sealed partial class LedgerFlush(TenantDatabase database, TimeProvider time, ILogger logger, Func<long?> last, Action<long> flushed) : IAsyncDisposable
{
    /// <summary>So much comes together before the disk is asked.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopped = new();
    private Task _flushing = Task.CompletedTask;
    private bool _isFlushing;
    private NpgsqlConnection? _connection;

    /// <summary>Flushes in a moment, unless that is on its way.</summary>
    public void Soon()
    {
        lock (_lock)
        {
            if (!_isFlushing && !_stopped.IsCancellationRequested)
            {
                _isFlushing = true;
                _flushing = Task.Run(FlushAllAsync);
            }
        }
    }

    /// <summary>Flushes now; nothing is done afterwards but this.</summary>
    public async Task StopAsync()
    {
        await _stopped.CancelAsync();
        Task flushing;
        lock (_lock)
        {
            flushing = _flushing;
        }

        await flushing;
        await FlushAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await LetGoAsync();
        _stopped.Dispose();
    }

    private async Task FlushAllAsync()
    {
        var pause = Gathering;
        while (true)
        {
            await Task.Delay(pause, time, _stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (await HasNothingToDoAsync())
            {
                return;
            }

            pause = await FlushAsync() ? Gathering : AfterFailure;
        }
    }

    private async Task<bool> HasNothingToDoAsync()
    {
        NpgsqlConnection? idle;
        lock (_lock)
        {
            if (!_stopped.IsCancellationRequested && last() is not null)
            {
                return false;
            }

            (_isFlushing, idle, _connection) = (false, _connection, null);
        }

        if (idle is not null)
        {
            await idle.DisposeAsync();
        }

        return true;
    }

    private async Task<bool> FlushAsync()
    {
        if (last() is not { } upTo)
        {
            return true;
        }

        try
        {
            // It sees no rows, so it may be the session of those who see all; requests have few enough.
            _connection ??= await database.Work.OpenConnectionAsync();
            await using var command = new NpgsqlCommand(LedgerStatements.Flush, _connection);
            await command.ExecuteNonQueryAsync();
        }
        catch (Exception e)
        {
            LogFailure(e);
            await LetGoAsync();
            return false;
        }

        flushed(upTo);
        return true;
    }

    private async Task LetGoAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    [LoggerMessage(LogLevel.Warning, "The database's log could not be flushed; accounts wait for the disk until it can.")]
    private partial void LogFailure(Exception exception);
}
