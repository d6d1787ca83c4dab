using System.Text;
using System.Text.RegularExpressions;
using Npgsql;

namespace CityPulse.Backup;

/// <summary>
/// Brings a backup into a database that is empty, or is emptied when that is asked for. All of the backup is read and judged before
/// anything is touched, and restored in one transaction: it is there whole or not at all.
/// </summary>
internal sealed partial class BackupRestoring(string connectionString)
{
    public async Task RunAsync(BackupManifest manifest, DumpFile dump, bool force, CancellationToken cancellationToken)
    {
        await using var connection = await CityDatabase.OpenAsync(connectionString, cancellationToken);
        var tools = new PostgresTools(connection.PostgreSqlVersion.Major, new NpgsqlConnectionStringBuilder(connectionString));
        await RefuseAsync(connection, force, cancellationToken);
        await dump.VerifyAsync(tools, cancellationToken);
        if (force)
        {
            await connection.EmptyAsync(cancellationToken);
        }

        var list = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(list, await EntriesAsync(tools, dump, cancellationToken), cancellationToken);
            await tools.RunAsync(
                "pg_restore",
                ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password", $"--use-list={list}", $"--dbname={connection.Database}"],
                dump.WriteToAsync, read: null, cancellationToken);
        }
        finally
        {
            File.Delete(list);
        }

        await FinishAsync(connection, manifest, cancellationToken);
    }

    private static async Task RefuseAsync(NpgsqlConnection connection, bool force, CancellationToken cancellationToken)
    {
        if (await connection.CountOtherSessionsAsync(cancellationToken) is var sessions and > 0)
        {
            throw new BackupException($"{sessions} sessions are open on the database {connection.Database}: stop the services first, nothing was changed.");
        }

        if (!force && await connection.ContentsAsync(cancellationToken) is { Count: > 0 } contents)
        {
            throw new BackupException(
                $"The database {connection.Database} is not empty (it has {contents[0]}{(contents.Count > 1 ? $" and {contents.Count - 1} more" : "")}). "
                + "Restore into an empty one, or give --force, which deletes everything in it first.");
        }
    }

    /// <summary>
    /// Everything but the policies of row-level security. They name login roles, which belong to a cluster and a database name and may not
    /// exist here. The security itself is switched on with the tables, so without policies and rights nobody but the owner sees a row,
    /// until the services' next start builds the wall anew from the catalog.
    /// </summary>
    private static async Task<IEnumerable<string>> EntriesAsync(PostgresTools tools, DumpFile dump, CancellationToken cancellationToken)
    {
        var entries = "";
        await tools.RunAsync(
            "pg_restore", ["--list"], dump.WriteToAsync,
            async (output, cancel) => entries = await new StreamReader(output, Encoding.UTF8).ReadToEndAsync(cancel), cancellationToken);
        return entries.Split('\n').Where(line => !PolicyEntry().IsMatch(line));
    }

    /// <summary>Counts before anything is changed, then makes numbers go on where nobody has been.</summary>
    private static async Task FinishAsync(NpgsqlConnection connection, BackupManifest manifest, CancellationToken cancellationToken)
    {
        if (manifest.Tables.Except(await connection.CountAsync(cancellationToken)).ToList() is { Count: > 0 } wrong)
        {
            throw new BackupException($"The restored database does not have the rows that were counted, in {wrong.Count} tables such as {wrong[0].Name}. Do not use it.");
        }

        await using var sql = typeof(BackupRestoring).Assembly.GetManifestResourceStream("after-restore.sql")!;
        await connection.ExecuteAsync(await new StreamReader(sql).ReadToEndAsync(cancellationToken), cancellationToken);
        await connection.ExecuteAsync("ANALYZE", cancellationToken);
    }

    [GeneratedRegex(@"^\d+; \d+ \d+ (POLICY|COMMENT \S+ POLICY) ")]
    private static partial Regex PolicyEntry();
}
