using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using CityPulse.Backup.Sealing;

namespace CityPulse.Backup;

/// <param name="Name">Schema and table, quoted where SQL would want it.</param>
internal sealed record TableRows(string Name, long Rows);

/// <summary>What a backup holds, in <c>manifest.json</c> beside its dump: readable without any key, and no secret in it.</summary>
/// <param name="MadeAt">Just before the snapshot: everything that was committed by then is in it.</param>
/// <param name="Migration">The newest migration of the city's schema; null where there is none.</param>
/// <param name="Sha256">Of the dump as it lies there, sealed or not.</param>
/// <param name="KeyId">Tells the key that it was sealed with; null when it is not sealed.</param>
/// <param name="Tables">Rows of every table in the snapshot that was dumped, partitions by themselves.</param>
/// <param name="Signature">HMAC of all the rest under the key; null when it is not sealed.</param>
internal sealed record BackupManifest(
    int Format, DateTimeOffset MadeAt, string Database, string Server, string? Migration, string File, long Bytes, string Sha256, string? KeyId,
    IReadOnlyList<TableRows> Tables, string? Signature)
{
    public const string FileName = "manifest.json";
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    [JsonIgnore]
    public long Rows => Tables.Sum(t => t.Rows);

    public async Task WriteAsync(string folder, BackupKey? key, CancellationToken cancellationToken)
    {
        var signed = this with { Signature = key is null ? null : Sign(key) };
        await using var file = new FileStream(Path.Combine(folder, FileName), FileMode.CreateNew);
        await JsonSerializer.SerializeAsync(file, signed, Json, cancellationToken);
        file.Flush(flushToDisk: true);
    }

    /// <summary>The manifest, after it was seen to be one that this key signed, or to need none where none is given.</summary>
    public static async Task<BackupManifest> ReadAsync(string folder, BackupKey? key, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, FileName);
        if (!System.IO.File.Exists(path))
        {
            throw new BackupException($"{folder} is not a backup: it has no {FileName}.");
        }

        BackupManifest? manifest;
        try
        {
            await using var file = System.IO.File.OpenRead(path);
            manifest = await JsonSerializer.DeserializeAsync<BackupManifest>(file, Json, cancellationToken);
        }
        catch (JsonException e)
        {
            throw new BackupException($"{path} is damaged: {e.Message}");
        }

        if (manifest is not { Format: CurrentFormat })
        {
            throw new BackupException($"{path} is of format {manifest?.Format}; this version of CityPulse reads format {CurrentFormat}.");
        }

        if (manifest.File != Path.GetFileName(manifest.File) || manifest.File.Length == 0)
        {
            throw new BackupException($"{path} is damaged: it names a file that is not beside it.");
        }

        manifest.Check(key);
        return manifest;
    }

    private void Check(BackupKey? key)
    {
        switch (KeyId, key)
        {
            case (null, null):
                return;
            case (null, not null):
                throw new BackupException($"A key is given, but this backup is not encrypted: it may have been put in the place of one that is. Without {BackupKey.Variable} it is taken as it is.");
            case ({ } id, null):
                throw new BackupException($"This backup is encrypted with key {id}: give it by {BackupKey.Variable} or --key-file.");
            case ({ } id, { } given) when id != given.Id:
                throw new BackupException($"This backup is encrypted with key {id}, and the one that is given is {given.Id}.");
            case (_, { } given) when !CryptographicOperations.FixedTimeEquals(Convert.FromHexString(Sign(given)), Bytes(Signature)):
                throw new BackupException($"{FileName} was altered after the backup was made: its signature does not fit.");
        }

        static byte[] Bytes(string? hex) => hex is not null && Convert.FromHexString(hex, new byte[32], out _, out var length) == System.Buffers.OperationStatus.Done && length == 32
            ? Convert.FromHexString(hex)
            : [];
    }

    private string Sign(BackupKey key) =>
        Convert.ToHexStringLower(key.Authenticate(JsonSerializer.SerializeToUtf8Bytes(this with { Signature = null }, Json)));
}
