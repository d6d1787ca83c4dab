using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// This replica's one hand in the accounts: posts what the journal has some milliseconds after it was written, and at once what somebody
/// waits for or wants for a purse. What it has written is on the disk.
/// </summary>
/// <param name="purses">Guards the purses and what is here.</param>
/// <param name="doubt">Is told, under that lock, that nobody knows what the accounts hold for the purses.</param>
internal sealed partial class LedgerPosting(
    TenantDatabase database, CallJournal journal, Guid replicaId, Lock purses, TimeProvider time, ILogger logger, Action doubt) : IAsyncDisposable
{
    private const int MostEntries = 500;

    /// <summary>So much comes together before it is posted.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly LedgerSession _session = new(database, LedgerStatements.PlanOnce);
    private List<LedgerEntry> _entries = [];
    private TaskCompletionSource _urgent = new();
    private Task _posting = Task.CompletedTask;
    private bool _isPosting;
    private bool _isStopping;

    /// <summary>Writes it at once.</summary>
    public void Add(LedgerEntry entry)
    {
        lock (purses)
        {
            AddUnderLock(entry);
        }
    }

    public void AddUnderLock(LedgerEntry entry)
    {
        _entries.Add(entry);
        if (entry.Purse is { } purse)
        {
            purse.Pending++;
        }

        StartUnderLock();
        _urgent.TrySetResult();
    }

    /// <summary>Posts what the journal has in a moment, unless that is on its way.</summary>
    public void Soon()
    {
        lock (purses)
        {
            StartUnderLock();
        }
    }

    /// <summary>Posts all there is, if the database will have it.</summary>
    public async Task StopAsync()
    {
        Task posting;
        lock (purses)
        {
            _isStopping = true;
            StartUnderLock();
            _urgent.TrySetResult();
            posting = _posting;
        }

        await posting;
    }

    /// <summary>Nobody has called for a while: the session goes back.</summary>
    public async Task RestAsync()
    {
        lock (purses)
        {
            if (_isPosting)
            {
                return;
            }

            _isPosting = true;
        }

        await _session.DisposeAsync();
        lock (purses)
        {
            _isPosting = false;
            if (_entries.Count > 0 || !journal.IsEmpty)
            {
                StartUnderLock();
            }
        }
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private void StartUnderLock()
    {
        if (!_isPosting)
        {
            _isPosting = true;
            _posting = Task.Run(PostAllAsync);
        }
    }

    private async Task PostAllAsync()
    {
        var pause = Gathering;
        while (true)
        {
            Task urgent;
            lock (purses)
            {
                if (_entries.Count == 0 && journal.IsEmpty)
                {
                    _isPosting = false;
                    return;
                }

                if (_urgent.Task.IsCompleted && _entries.Count == 0 && !_isStopping)
                {
                    _urgent = new TaskCompletionSource();
                }

                urgent = _urgent.Task;
            }

            await Task.WhenAny(urgent, Task.Delay(pause, time));
            var isDone = await TryPostAsync(Take(), journal.Rows());
            pause = isDone ? Gathering : AfterFailure;
            lock (purses)
            {
                if (!isDone && _isStopping)
                {
                    _isPosting = false;
                    return;
                }
            }
        }
    }

    private List<LedgerEntry> Take()
    {
        lock (purses)
        {
            var entries = _entries.Count <= MostEntries ? _entries : _entries[..MostEntries];
            _entries = _entries.Count <= MostEntries ? [] : _entries[MostEntries..];
            return entries;
        }
    }

    private async Task<bool> TryPostAsync(List<LedgerEntry> entries, IReadOnlyList<JournalRow<SettledCall>> rows)
    {
        try
        {
            await PostAsync(entries, rows);
            return true;
        }
        catch (PostgresException e) when (entries.Count + rows.Count > 1 && !LedgerSession.IsOfTheServer(e))
        {
            // Nothing of it was written, and only one of them may be to blame; the others are not to suffer for it.
            foreach (var row in rows)
            {
                await TryPostAsync([], [row]);
            }

            foreach (var entry in entries)
            {
                await TryPostAsync([entry], []);
            }

            return true;
        }
        catch (Exception e)
        {
            LogFailure(entries.Count, rows.Count, e);
            await _session.DisposeAsync();
            Learn(entries, e);
            if (e is PostgresException refusal && !LedgerSession.IsOfTheServer(refusal))
            {
                Refuse(rows);
            }

            return false;
        }
    }

    private async Task PostAsync(List<LedgerEntry> entries, IReadOnlyList<JournalRow<SettledCall>> rows)
    {
        if (entries.Count == 0 && rows.Count == 0)
        {
            return;
        }

        var batch = new LedgerBatch(entries, rows, replicaId, purses, time.GetUtcNow());
        await _session.RunAsync((connection, _) => batch.WriteAsync(connection));
        lock (purses)
        {
            LeaveUnderLock(entries);
            batch.Learn(AddUnderLock);
        }

        if (rows.Count > 0)
        {
            journal.Release(rows[^1].Number);
        }

        if (batch.Lost > 0)
        {
            LogAgain(batch.Lost);
        }

        foreach (var entry in entries)
        {
            (entry as SettledCall)?.TryComplete(Verdict.Fits);
        }
    }

    /// <summary>What came of entries that were not written, as far as anybody knows.</summary>
    private void Learn(List<LedgerEntry> entries, Exception exception)
    {
        var calls = entries.OfType<SettledCall>().ToList();
        lock (purses)
        {
            LeaveUnderLock(entries);
            doubt();
            calls.ForEach(call => call.Owe());
            if (exception is PostgresException refusal && !LedgerSession.IsOfTheServer(refusal))
            {
                calls.ForEach(call => call.Posted());
            }
            else
            {
                journal.Keep(calls);
            }
        }

        entries.ForEach(entry => entry.Fail(exception));
    }

    /// <summary>Rows that the accounts will not have; all that comes after must not wait for them forever.</summary>
    private void Refuse(IReadOnlyList<JournalRow<SettledCall>> rows)
    {
        foreach (var row in rows)
        {
            LogRefused(row.Number);
            lock (purses)
            {
                row.Calls.ToList().ForEach(call => call.Posted());
            }

            journal.Void(row.Number);
        }
    }

    private static void LeaveUnderLock(List<LedgerEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Purse is { } purse)
            {
                purse.Pending--;
                purse.IsFilling &= entry is not ReviewedPurse;
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "{Count} entries and {Rows} rows of the journal could not be written into the accounts.")]
    private partial void LogFailure(int count, int rows, Exception exception);

    [LoggerMessage(LogLevel.Warning, "{Count} rows were told to the accounts again, since the journal does not have them.")]
    private partial void LogAgain(int count);

    [LoggerMessage(LogLevel.Error, "The accounts refuse row {Number} of the journal.")]
    private partial void LogRefused(long number);
}
