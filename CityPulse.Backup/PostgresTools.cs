using System.Diagnostics;
using CityPulse.Stores;
using Npgsql;

namespace CityPulse.Backup;

/// <summary>PostgreSQL's own programs, at least as new as the server, told by their environment where it is and how to log in.</summary>
internal sealed class PostgresTools
{
    private readonly string _folder;
    private readonly Dictionary<string, string> _environment = [];

    /// <param name="serverMajor">Null when no server is asked, as for looking into a dump.</param>
    /// <param name="connection">Whom they log in to, if anybody.</param>
    public PostgresTools(int? serverMajor = null, NpgsqlConnectionStringBuilder? connection = null)
    {
        try
        {
            _folder = PostgresBinaries.Find(serverMajor ?? PostgresBinaries.OldestMajor, "pg_dump", "pg_restore");
        }
        catch (StoreException e)
        {
            throw new BackupException(e.Message);
        }

        if (connection is not null)
        {
            Add("PGHOST", connection.Host);
            Add("PGPORT", $"{connection.Port}");
            Add("PGUSER", connection.Username);
            Add("PGPASSWORD", connection.Password);
            Add("PGPASSFILE", connection.Passfile);
            Add("PGDATABASE", connection.Database ?? connection.Username);
            Add("PGSSLROOTCERT", connection.RootCertificate);
            Add("PGSSLCERT", connection.SslCertificate);
            Add("PGSSLKEY", connection.SslKey);
            Add("PGSSLMODE", connection.SslMode switch
            {
                SslMode.Disable => "disable",
                SslMode.Allow => "allow",
                SslMode.Require => "require",
                SslMode.VerifyCA => "verify-ca",
                SslMode.VerifyFull => "verify-full",
                _ => "prefer",
            });
        }
    }

    /// <summary>
    /// Runs a program with its standard input and output in other hands; what it complained of is the message when it fails. Whoever feeds
    /// or reads fails first: the program is stopped, and theirs is the reason.
    /// </summary>
    public async Task RunAsync(
        string program, IEnumerable<string> arguments, Func<Stream, CancellationToken, Task>? feed, Func<Stream, CancellationToken, Task>? read, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Path.Combine(_folder, PostgresBinaries.Executable(program)), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in _environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var complaints = process.StandardError.ReadToEndAsync(ended.Token);
            var reading = (read ?? DiscardAsync)(process.StandardOutput.BaseStream, ended.Token);
            var feeding = FeedAsync(process, feed, ended.Token);
            await foreach (var task in Task.WhenEach(reading, feeding))
            {
                await task;
            }

            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
            {
                throw new BackupException($"{program} failed with exit code {process.ExitCode}: {(await complaints).Trim()}");
            }
        }
        finally
        {
            await ended.CancelAsync();
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    private static async Task FeedAsync(Process process, Func<Stream, CancellationToken, Task>? feed, CancellationToken cancellationToken)
    {
        var input = process.StandardInput.BaseStream;
        try
        {
            if (feed is not null)
            {
                await feed(input, cancellationToken);
            }

            await input.DisposeAsync();
        }
        catch (IOException)
        {
            // It wants no more: it has what it came for, or it failed, and its exit code says which.
        }
    }

    private static Task DiscardAsync(Stream output, CancellationToken cancellationToken) => output.CopyToAsync(Stream.Null, cancellationToken);

    private void Add(string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            _environment[name] = value;
        }
    }
}
