using System.Collections.Concurrent;
using System.Security.Cryptography;
using CityPulse.Backup;
using CityPulse.Backup.Sealing;
using CityPulse.Tests.Support;

namespace CityPulse.Tests.Backup;

/// <summary>The tests that share one backup.</summary>
[CollectionDefinition(LoadedCity.Collection)]
public sealed class LoadedCityCollection : ICollectionFixture<LoadedCity>;

/// <summary>A city that is written to while it is backed up.</summary>
public sealed class LoadedCity(TestStores stores) : IAsyncLifetime
{
    public const string Collection = "loaded city";
    public const string Sensor = "meter";
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    internal TestStores Stores => stores;

    public string Folder { get; } = Directory.CreateTempSubdirectory("citypulse-backup-").FullName;

    internal BackupKey Key { get; } = BackupKey.Parse(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));

    internal City City { get; private set; } = null!;

    internal string Source { get; private set; } = "";

    internal string Backup { get; private set; } = "";

    internal BackupManifest Manifest { get; private set; } = null!;

    /// <summary>Times of readings that were acknowledged before the backup began.</summary>
    internal IReadOnlyCollection<DateTimeOffset> AcknowledgedBefore { get; private set; } = [];

    /// <summary>And all, with those that were written during the backup and after it.</summary>
    internal IReadOnlyCollection<DateTimeOffset> Acknowledged { get; private set; } = [];

    public static double ValueAt(DateTimeOffset at) => at.Minute + (at.Second / 100.0);

    public async ValueTask InitializeAsync()
    {
        Source = await stores.CreateDatabaseAsync();
        await using var host = await ApiHost.StartAsync(stores, database: Source);
        City = await City.RegisterAsync(host.CreateClient());
        await City.CreateSensorAsync(await City.CreateBuildingAsync(), "temperature", Sensor);

        using var over = new CancellationTokenSource();
        var acknowledged = new ConcurrentQueue<DateTimeOffset>();
        var writing = WriteAsync(acknowledged, over.Token);
        await Eventually.TrueAsync(() => acknowledged.Count >= 500, "there is something to back up");
        AcknowledgedBefore = [.. acknowledged];
        (Backup, Manifest) = await new BackupTaking(Source, Key, TimeProvider.System).RunAsync(Folder, CancellationToken.None);
        var then = acknowledged.Count;
        await Eventually.TrueAsync(() => acknowledged.Count > then, "it is written to after the backup too");
        await over.CancelAsync();
        await writing;
        Acknowledged = [.. acknowledged];
    }

    public ValueTask DisposeAsync()
    {
        City.Client.Dispose();
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task WriteAsync(ConcurrentQueue<DateTimeOffset> acknowledged, CancellationToken over)
    {
        for (var batch = 0; !over.IsCancellationRequested; batch++)
        {
            var times = Enumerable.Range(batch * 50, 50).Select(second => Start.AddSeconds(second)).ToList();
            await City.IngestAsync(Sensor, times.Select(at => (at, ValueAt(at))));
            foreach (var at in times)
            {
                acknowledged.Enqueue(at);
            }
        }
    }
}
