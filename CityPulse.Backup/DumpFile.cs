using System.Security.Cryptography;
using CityPulse.Backup.Sealing;

namespace CityPulse.Backup;

/// <summary>The dump of a backup, and what can be said of it without a database.</summary>
internal sealed class DumpFile(string folder, BackupManifest manifest, BackupKey? key)
{
    private readonly string _path = Path.Combine(folder, manifest.File);

    /// <summary>
    /// Reads all of it: every byte is as it was written, every part decrypts, PostgreSQL can read every entry, and every table has the
    /// rows that the manifest counted.
    /// </summary>
    public async Task VerifyAsync(PostgresTools tools, CancellationToken cancellationToken)
    {
        await CheckBytesAsync(cancellationToken);
        var counter = new DumpRows();
        await tools.RunAsync("pg_restore", ["--file=-", "--no-owner"], WriteToAsync, counter.ReadAsync, cancellationToken);
        if (counter.Differences(manifest.Tables) is { Count: > 0 } differences)
        {
            throw new BackupException($"The dump does not hold what the manifest counted: {string.Join(", ", differences.Take(5))}.");
        }
    }

    /// <summary>The dump as PostgreSQL wrote it.</summary>
    public async Task WriteToAsync(Stream output, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(_path);
        if (key is null)
        {
            await file.CopyToAsync(output, cancellationToken);
        }
        else
        {
            await SealedFile.OpenAsync(key, file, output, cancellationToken);
        }
    }

    private async Task CheckBytesAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path))
        {
            throw new BackupException($"The backup is incomplete: {_path} is missing.");
        }

        await using var file = File.OpenRead(_path);
        if (file.Length != manifest.Bytes)
        {
            throw new BackupException($"The backup is corrupt: {_path} has {file.Length} bytes, and the manifest says {manifest.Bytes}.");
        }

        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken)) != manifest.Sha256)
        {
            throw new BackupException($"The backup is corrupt: the checksum of {_path} is not the one in the manifest.");
        }
    }
}
