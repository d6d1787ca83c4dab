using System.Globalization;
using CityPulse.Backup.Sealing;

namespace CityPulse.Backup;

/// <summary>What is asked for on the command line. Secrets come from the environment or from files, never from arguments.</summary>
internal sealed record BackupOptions(string Command, string Folder, BackupKey? Key, int? Keep, bool Force, string DataFolder)
{
    public const string Usage = """
        ./citypulse backup [FOLDER] [--keep N] [--key-file FILE]    a backup in a folder of its own under FOLDER (backups/)
        ./citypulse verify-backup BACKUP [--key-file FILE]          reads all of it: checksums, decryption, rows of every table
        ./citypulse restore BACKUP [--force] [--key-file FILE]      into an empty database; --force deletes what is in it first

          --keep N   deletes the oldest backups in FOLDER, so that N are left
          Encrypted with AES-256-GCM when a key is given, by CITYPULSE_BACKUP_KEY or --key-file: openssl rand -base64 32
          The database: ConnectionStrings__citydb, as the owner of the tables; without it the local one in .citypulse/
        """;

    public static BackupOptions Parse(string[] args, Func<string, string?> environment)
    {
        string? folder = null, keyText = environment(BackupKey.Variable), dataFolder = null;
        int? keep = null;
        var force = false;
        if (args is not ["backup" or "restore" or "verify-backup", ..])
        {
            throw new BackupException(Usage);
        }

        for (var i = 1; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--force" when args[0] == "restore":
                    force = true;
                    break;
                case "--keep" when args[0] == "backup" && i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0:
                    (keep, i) = (number, i + 1);
                    break;
                case "--key-file" when i + 1 < args.Length:
                    keyText = File.Exists(args[i + 1]) ? File.ReadAllText(args[i + 1]) : throw new BackupException($"There is no key file {args[i + 1]}.");
                    i++;
                    break;
                case "--data-folder" when i + 1 < args.Length:
                    dataFolder = args[++i];
                    break;
                case var name when !name.StartsWith('-') && folder is null:
                    folder = name;
                    break;
                default:
                    throw new BackupException($"'{args[i]}' is not understood here.\n{Usage}");
            }
        }

        folder ??= args[0] == "backup" ? "backups" : throw new BackupException($"Which backup? Name its folder.\n{Usage}");
        return new BackupOptions(args[0], folder, string.IsNullOrWhiteSpace(keyText) ? null : BackupKey.Parse(keyText), keep, force, dataFolder ?? ".citypulse");
    }
}
