using System.Runtime.InteropServices;
using CityPulse.Backup;
using Npgsql;

// Backs up, verifies and restores the city's database: ./citypulse backup | verify-backup | restore
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

// A pod that is stopped is asked by this signal; what is half done goes with it.
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.Cancel();
});

try
{
    var options = BackupOptions.Parse(args, Environment.GetEnvironmentVariable);
    return await BackupCommand.RunAsync(options, Environment.GetEnvironmentVariable("ConnectionStrings__citydb"), Console.Out, stop.Token);
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped; nothing half-done was left.");
    return 130;
}
catch (Exception e) when (e is BackupException or NpgsqlException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
