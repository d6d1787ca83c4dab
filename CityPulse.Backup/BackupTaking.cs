using System.Globalization;
using System.Security.Cryptography;
using CityPulse.Backup.Sealing;
using Npgsql;

namespace CityPulse.Backup;

/// <summary>
/// Dumps the whole database while it is in use: one snapshot, shared by <c>pg_dump</c> and by the counting, so that the manifest says
/// exactly what the dump holds. The dump goes to the disk sealed, never in clear text, when there is a key.
/// </summary>
internal sealed class BackupTaking(string connectionString, BackupKey? key, TimeProvider time)
{
    private const string Partial = ".partial";

    /// <returns>The backup's own folder, which appears under its name only when all of it is on the disk.</returns>
    public async Task<(string Folder, BackupManifest Manifest)> RunAsync(string target, CancellationToken cancellationToken)
    {
        await using var connection = await CityDatabase.OpenAsync(connectionString, cancellationToken);

        // Were the user one that row-level security binds, it would see a part of the rows and take it for all.
        await connection.ExecuteAsync("SET row_security = off", cancellationToken);
        var madeAt = time.GetUtcNow();
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var snapshot = await connection.ScalarAsync<string>("SELECT pg_export_snapshot()", cancellationToken);
        var database = connection.Database;
        var folder = Path.Combine(Path.GetFullPath(target), $"{database}-{madeAt.UtcDateTime.ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture)}");
        var unfinished = folder + Partial;
        MakePrivate(unfinished);
        SweepUnfinished(Path.GetFullPath(target), database, madeAt);
        try
        {
            var fileName = key is null ? "database.dump" : "database.dump.sealed";
            var tools = new PostgresTools(connection.PostgreSqlVersion.Major, new NpgsqlConnectionStringBuilder(connectionString));
            var dumping = DumpAsync(tools, snapshot, Path.Combine(unfinished, fileName), cancellationToken);
            var counting = connection.CountAsync(cancellationToken);
            await foreach (var task in Task.WhenEach(dumping, counting))
            {
                await task;
            }

            // A job that was pointed at the wrong database would push the good backups out, one by one.
            if ((await counting).Count == 0)
            {
                throw new BackupException($"The database {database} has no tables: there is nothing to back up. Is it the right one?");
            }

            var (bytes, sha256) = await dumping;
            var manifest = new BackupManifest(
                BackupManifest.CurrentFormat, madeAt, database, connection.PostgreSqlVersion.ToString(), await connection.NewestMigrationAsync(cancellationToken),
                fileName, bytes, sha256, key?.Id, await counting, Signature: null);
            await manifest.WriteAsync(unfinished, key, cancellationToken);
            Directory.Move(unfinished, folder);
            return (folder, manifest);
        }
        catch (PostgresException e)
        {
            throw new BackupException($"The database cannot be backed up by the user {connection.UserName}: {e.MessageText}. The owner of the tables can.");
        }
        finally
        {
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true);
            }
        }
    }

    /// <summary>Deletes the oldest complete backups of this database in the folder, so that <paramref name="keep"/> are left.</summary>
    public static IReadOnlyList<string> Forget(string target, string database, int keep)
    {
        var old = Directory.GetDirectories(target, $"{database}-????????T?????????Z")
            .Where(folder => File.Exists(Path.Combine(folder, BackupManifest.FileName)))
            .OrderDescending(StringComparer.Ordinal).Skip(keep).ToList();
        foreach (var folder in old)
        {
            Directory.Delete(folder, recursive: true);
        }

        return old;
    }

    /// <summary>Deletes what a process that was killed has left; a day is longer than any backup that is still being made.</summary>
    public static void SweepUnfinished(string target, string database, DateTimeOffset now)
    {
        foreach (var folder in Directory.GetDirectories(target, $"{database}-????????T?????????Z{Partial}"))
        {
            if (now.UtcDateTime - Directory.GetLastWriteTimeUtc(folder) > TimeSpan.FromDays(1))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private async Task<(long Bytes, string Sha256)> DumpAsync(PostgresTools tools, string snapshot, string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.CreateNew);
        using var hash = SHA256.Create();
        await using (var hashed = new CryptoStream(file, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            await tools.RunAsync(
                "pg_dump", ["--format=custom", $"--snapshot={snapshot}", "--no-password"], feed: null,
                (dump, cancel) => key is null ? dump.CopyToAsync(hashed, cancel) : SealedFile.SealAsync(key, dump, hashed, cancel), cancellationToken);
        }

        file.Flush(flushToDisk: true);
        return (file.Length, Convert.ToHexStringLower(hash.Hash!));
    }

    private static void MakePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
