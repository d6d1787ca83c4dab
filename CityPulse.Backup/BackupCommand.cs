using System.Globalization;
using Npgsql;

namespace CityPulse.Backup;

/// <summary>One call of the command line.</summary>
internal static class BackupCommand
{
    /// <param name="connectionString">The owner of the tables; without it the local database.</param>
    public static async Task<int> RunAsync(BackupOptions options, string? connectionString, TextWriter output, CancellationToken cancellationToken)
    {
        if (options.Command == "verify-backup")
        {
            var (manifest, dump) = await OpenAsync(options, cancellationToken);
            await dump.VerifyAsync(new PostgresTools(), cancellationToken);
            await output.WriteLineAsync($"{options.Folder} is whole: {Describe(manifest)}.");
            return 0;
        }

        await using var local = string.IsNullOrWhiteSpace(connectionString) ? await LocalCluster.OpenAsync(options.DataFolder, cancellationToken) : null;
        connectionString = local?.ConnectionString ?? connectionString!;
        if (options.Command == "backup")
        {
            var (folder, manifest) = await new BackupTaking(connectionString, options.Key, TimeProvider.System).RunAsync(options.Folder, cancellationToken);
            await output.WriteLineAsync($"{folder} holds {Describe(manifest)}.");
            foreach (var old in options.Keep is { } keep ? BackupTaking.Forget(options.Folder, manifest.Database, keep) : [])
            {
                await output.WriteLineAsync($"deleted {old}");
            }
        }
        else
        {
            var (manifest, dump) = await OpenAsync(options, cancellationToken);
            await new BackupRestoring(connectionString).RunAsync(manifest, dump, options.Force, cancellationToken);
            await output.WriteLineAsync(
                $"{new NpgsqlConnectionStringBuilder(connectionString).Database} is restored: {Describe(manifest)}. "
                + "Start all services now: the first start builds the wall between organisations anew.");
        }

        return 0;
    }

    private static async Task<(BackupManifest Manifest, DumpFile Dump)> OpenAsync(BackupOptions options, CancellationToken cancellationToken)
    {
        var manifest = await BackupManifest.ReadAsync(options.Folder, options.Key, cancellationToken);
        return (manifest, new DumpFile(options.Folder, manifest, options.Key));
    }

    private static string Describe(BackupManifest manifest) => string.Create(
        CultureInfo.InvariantCulture,
        $"{manifest.Database} as of {manifest.MadeAt.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}, {manifest.Rows} rows in {manifest.Tables.Count} tables, {manifest.Bytes / 1048576.0:0.0} MB{(manifest.KeyId is { } key ? $", encrypted with key {key}" : ", not encrypted")}");
}
