using System.Globalization;

namespace CityPulse.Stores;

internal sealed record StoreOptions(string Store, string DataFolder, int Port, string Database, string? Password, bool Fsync, int? ParentProcessId)
{
    private const string Usage = "Usage: postgres --data DIR --port N [--database NAME] [--no-fsync] | redis --port N   (password: STORE_PASSWORD)";

    public static StoreOptions Parse(string[] args)
    {
        if (args is not ["postgres" or "redis", ..])
        {
            throw new StoreException(Usage);
        }

        string? data = null, database = "citydb";
        int? port = null, parent = null;
        var fsync = true;
        for (var i = 1; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--data" when i + 1 < args.Length:
                    data = Path.GetFullPath(args[++i]);
                    break;
                case "--port" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var p) && p is > 0 and < 65536:
                    port = p;
                    i++;
                    break;
                case "--parent" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var pid):
                    parent = pid;
                    i++;
                    break;
                case "--database" when i + 1 < args.Length:
                    database = args[++i];
                    break;
                case "--no-fsync":
                    fsync = false;
                    break;
                default:
                    throw new StoreException($"'{args[i]}' is not understood here. {Usage}");
            }
        }

        if (port is null || (args[0] == "postgres" && data is null))
        {
            throw new StoreException(Usage);
        }

        var password = Environment.GetEnvironmentVariable("STORE_PASSWORD");
        return new StoreOptions(args[0], data ?? "", port.Value, database, string.IsNullOrEmpty(password) ? null : password, fsync, parent);
    }
}
