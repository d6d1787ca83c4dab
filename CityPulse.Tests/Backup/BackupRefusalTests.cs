using CityPulse.Backup;
using CityPulse.Backup.Sealing;
using Shouldly;

namespace CityPulse.Tests.Backup;

/// <summary>A backup that is not what it was is refused before anything is touched, with a sentence that says what is wrong.</summary>
[Collection(LoadedCity.Collection)]
public sealed class BackupRefusalTests(LoadedCity loaded)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_whole_backup_is_called_so_and_says_what_it_holds()
    {
        var said = await RunAsync(loaded.Backup, loaded.Key);
        said.ShouldContain("is whole");
        said.ShouldContain($"encrypted with key {loaded.Key.Id}");
        (await File.ReadAllTextAsync(Path.Combine(loaded.Backup, "database.dump.sealed"), Cancel)).ShouldNotContain("PGDMP");
    }

    [Fact]
    public async Task Another_key_and_no_key_are_told_apart_from_damage()
    {
        var another = BackupKey.Parse(Convert.ToBase64String(new byte[32]));
        (await RefusalAsync(loaded.Backup, another)).ShouldBe($"This backup is encrypted with key {loaded.Key.Id}, and the one that is given is {another.Id}.");
        (await RefusalAsync(loaded.Backup, null)).ShouldContain("give it by CITYPULSE_BACKUP_KEY or --key-file");
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public async Task A_changed_byte_in_the_dump_is_found(double where)
    {
        using var copy = new Copy(loaded.Backup);
        copy.Change("database.dump.sealed", bytes => bytes[(int)(where * (bytes.Length - 1))] ^= 1);
        (await RefusalAsync(copy.Folder, loaded.Key)).ShouldContain("the checksum of");
    }

    [Fact]
    public async Task A_dump_that_was_cut_off_or_is_missing_is_found()
    {
        using var copy = new Copy(loaded.Backup);
        var dump = Path.Combine(copy.Folder, "database.dump.sealed");
        await using (var file = File.OpenWrite(dump))
        {
            file.SetLength(file.Length - 1);
        }

        (await RefusalAsync(copy.Folder, loaded.Key)).ShouldContain("and the manifest says");
        File.Delete(dump);
        (await RefusalAsync(copy.Folder, loaded.Key)).ShouldContain("is missing");
        File.Delete(Path.Combine(copy.Folder, BackupManifest.FileName));
        (await RefusalAsync(copy.Folder, loaded.Key)).ShouldContain("is not a backup");
    }

    [Fact]
    public async Task A_manifest_that_was_altered_is_found_by_its_signature()
    {
        using var copy = new Copy(loaded.Backup);
        var path = Path.Combine(copy.Folder, BackupManifest.FileName);
        var text = await File.ReadAllTextAsync(path, Cancel);
        await File.WriteAllTextAsync(path, text.Replace("public.organizations", "public.organisation", StringComparison.Ordinal), Cancel);
        (await RefusalAsync(copy.Folder, loaded.Key)).ShouldContain("was altered");
    }

    [Fact]
    public async Task Without_encryption_damage_is_found_too_and_a_key_does_not_take_it_for_its_own()
    {
        var (folder, manifest) = await new BackupTaking(loaded.Source, key: null, TimeProvider.System).RunAsync(loaded.Folder, Cancel);
        (await RunAsync(folder, null)).ShouldContain("not encrypted");
        (await RefusalAsync(folder, loaded.Key)).ShouldContain("this backup is not encrypted");

        // Even where the checksum was made to fit: what PostgreSQL reads is not what was counted.
        using var copy = new Copy(folder);
        var rows = manifest.Tables.Single(t => t.Name == "public.organizations").Rows;
        var more = manifest with { Tables = [.. manifest.Tables.Select(t => t.Name == "public.organizations" ? t with { Rows = rows + 1 } : t)] };
        File.Delete(Path.Combine(copy.Folder, BackupManifest.FileName));
        await more.WriteAsync(copy.Folder, key: null, Cancel);
        (await RefusalAsync(copy.Folder, null)).ShouldContain($"public.organizations has {rows} rows and not {rows + 1}");
    }

    [Fact]
    public async Task A_refused_backup_leaves_the_database_as_it_is_even_when_forced()
    {
        using var copy = new Copy(loaded.Backup);
        copy.Change("database.dump.sealed", bytes => bytes[^100] ^= 1);
        var target = await loaded.Stores.CreateDatabaseAsync();
        await using (var database = await CityDatabase.OpenAsync(target, Cancel))
        {
            await database.ExecuteAsync("CREATE TABLE precious (id int)", Cancel);
        }

        var options = new BackupOptions("restore", copy.Folder, loaded.Key, Keep: null, Force: true, DataFolder: "");
        (await Should.ThrowAsync<BackupException>(() => BackupCommand.RunAsync(options, target, TextWriter.Null, Cancel))).Message.ShouldContain("checksum");
        await using var after = await CityDatabase.OpenAsync(target, Cancel);
        (await after.ContentsAsync(Cancel)).ShouldBe(["public.precious"]);
    }

    [Fact]
    public async Task A_user_who_may_not_see_every_row_makes_no_backup()
    {
        await using (var owner = await CityDatabase.OpenAsync(loaded.Source, Cancel))
        {
            await owner.ExecuteAsync("DROP ROLE IF EXISTS half_blind; CREATE ROLE half_blind LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO half_blind", Cancel);
        }

        var folder = Path.Combine(loaded.Folder, "half");
        var user = new Npgsql.NpgsqlConnectionStringBuilder(loaded.Source) { Username = "half_blind", Password = "x" };
        var refusal = await Should.ThrowAsync<BackupException>(() => new BackupTaking(user.ConnectionString, loaded.Key, TimeProvider.System).RunAsync(folder, Cancel));
        refusal.Message.ShouldContain("row-level security");
        Directory.GetDirectories(folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_database_without_tables_is_not_taken_for_the_city()
    {
        var folder = Path.Combine(loaded.Folder, "empty");
        var empty = new BackupOptions("backup", folder, loaded.Key, Keep: 1, Force: false, DataFolder: "");
        var database = await loaded.Stores.CreateDatabaseAsync();
        (await Should.ThrowAsync<BackupException>(() => BackupCommand.RunAsync(empty, database, TextWriter.Null, Cancel))).Message.ShouldContain("Is it the right one?");
        Directory.GetDirectories(folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task Only_the_newest_are_kept_and_nothing_else_is_touched()
    {
        var folder = Directory.CreateDirectory(Path.Combine(loaded.Folder, "kept")).FullName;
        foreach (var name in (string[])["city-20260101T000000000Z", "city-20260102T000000000Z", "city-20260103T000000000Z", "other-20260101T000000000Z"])
        {
            await loaded.Manifest.WriteAsync(Directory.CreateDirectory(Path.Combine(folder, name)).FullName, key: null, Cancel);
        }

        Directory.CreateDirectory(Path.Combine(folder, "city-20250101T000000000Z"));
        var left = Directory.CreateDirectory(Path.Combine(folder, "city-20260104T000000000Z.partial"));
        BackupTaking.SweepUnfinished(folder, "city", TimeProvider.System.GetUtcNow());
        left.Exists.ShouldBeTrue("it may be being made");
        BackupTaking.SweepUnfinished(folder, "city", TimeProvider.System.GetUtcNow().AddDays(2));
        Directory.Exists(left.FullName).ShouldBeFalse();
        BackupTaking.Forget(folder, "city", keep: 2).Select(Path.GetFileName).ShouldBe(["city-20260101T000000000Z"]);
        Directory.GetDirectories(folder).Length.ShouldBe(4);
    }

    private static async Task<string> RefusalAsync(string folder, BackupKey? key) => (await Should.ThrowAsync<BackupException>(() => RunAsync(folder, key))).Message;

    private static async Task<string> RunAsync(string folder, BackupKey? key)
    {
        await using var output = new StringWriter();
        (await BackupCommand.RunAsync(new BackupOptions("verify-backup", folder, key, Keep: null, Force: false, DataFolder: ""), null, output, Cancel)).ShouldBe(0);
        return output.ToString();
    }

    /// <summary>A backup to spoil.</summary>
    private sealed class Copy : IDisposable
    {
        public Copy(string backup)
        {
            foreach (var file in Directory.GetFiles(backup))
            {
                File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
            }
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("citypulse-copy-").FullName;

        public void Change(string name, Action<byte[]> change)
        {
            var bytes = File.ReadAllBytes(Path.Combine(Folder, name));
            change(bytes);
            File.WriteAllBytes(Path.Combine(Folder, name), bytes);
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
