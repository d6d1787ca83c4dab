using CityPulse.Backup;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Backup;

/// <summary>The database of <c>./citypulse up</c>, whether it runs or not.</summary>
public sealed class LocalClusterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("citypulse-local-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task One_that_does_not_run_is_run_for_as_long_as_it_takes_and_one_that_runs_is_used()
    {
        (await Should.ThrowAsync<BackupException>(() => LocalCluster.OpenAsync(_folder, Cancel))).Message.ShouldContain("bring secrets.json of the old one first");
        await File.WriteAllTextAsync(Path.Combine(_folder, "secrets.json"), """{ "postgres-password": "local" }""", Cancel);
        var marker = Path.Combine(_folder, "postgres", "postmaster.pid");

        await using (var first = await LocalCluster.OpenAsync(_folder, Cancel))
        {
            await using (var database = await CityDatabase.OpenAsync(first.ConnectionString, Cancel))
            {
                await database.ExecuteAsync("CREATE TABLE kept (id int)", Cancel);
            }

            await using var second = await LocalCluster.OpenAsync(_folder, Cancel);
            Port(second).ShouldBe(Port(first));
            await second.DisposeAsync();
            File.Exists(marker).ShouldBeTrue("whoever found it running leaves it running");
        }

        File.Exists(marker).ShouldBeFalse();
        await using var again = await LocalCluster.OpenAsync(_folder, Cancel);
        await using var reopened = await CityDatabase.OpenAsync(again.ConnectionString, Cancel);
        (await reopened.ContentsAsync(Cancel)).ShouldBe(["public.kept"]);
    }

    private static int Port(LocalCluster cluster) => new NpgsqlConnectionStringBuilder(cluster.ConnectionString).Port;
}
