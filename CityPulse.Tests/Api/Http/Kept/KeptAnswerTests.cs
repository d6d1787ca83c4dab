using System.Globalization;
using System.Net;
using CityPulse.Api.Data;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Http.Kept;

/// <summary>What one replica keeps, the other finds, and neither ever answers with less than was written.</summary>
public sealed class KeptAnswerTests(TwoReplicas replicas) : IClassFixture<TwoReplicas>
{
    [Fact]
    public async Task An_answer_is_kept_and_found_by_the_other_replica()
    {
        var (one, two) = await replicas.CityAsync();
        var id = await one.AddBuildingAsync();
        using var first = await one.GetAsync($"{Member.Buildings}/{id}");
        await Eventually.TrueAsync(
            async () =>
            {
                // An answer is kept a moment after it was sent, so this may take more than one attempt, each under a version of its own.
                await replicas.ExecuteAsync($"UPDATE buildings SET name = 'Town hall' WHERE id = '{id}'");
                await TwoReplicas.NameAsync(one, id);
                await replicas.ChangeUnseenAsync($"UPDATE buildings SET name = 'Nobody saw it' WHERE id = '{id}'");
                return await TwoReplicas.NameAsync(one, id) == "Town hall" && await TwoReplicas.NameAsync(two, id) == "Town hall";
            },
            "both replicas answer from what is kept");
        using var again = await two.GetAsync($"{Member.Buildings}/{id}");
        foreach (var header in (string[])["ETag", "Cache-Control", "Vary"])
        {
            again.Headers.GetValues(header).ShouldBe(first.Headers.GetValues(header));
        }

        again.Content.Headers.ContentType.ShouldBe(first.Content.Headers.ContentType);
        (await again.Content.ReadAsStringAsync()).ShouldBe(await first.Content.ReadAsStringAsync());
        (await two.GetAsync($"{Member.Buildings}/{id}", ("If-None-Match", first.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task What_was_answered_to_a_write_is_what_every_replica_reads()
    {
        var (one, two) = await replicas.CityAsync();
        var building = await one.AddBuildingAsync();
        for (var i = 0; i < 25; i++)
        {
            // Whoever writes, both have just read and keep what they read.
            var (writer, reader) = i % 2 == 0 ? (one, two) : (two, one);
            await Task.WhenAll(TwoReplicas.NameAsync(one, building), TwoReplicas.NameAsync(two, building), one.ReadAsync(Member.Buildings), two.ReadAsync(Member.Buildings));
            (await writer.PatchAsync($"{Member.Buildings}/{building}", new { name = $"Name {i}" })).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await TwoReplicas.NameAsync(reader, building)).ShouldBe($"Name {i}");
            (await reader.ReadAsync(Member.Buildings)).GetProperty("items")[0].GetProperty("name").GetString().ShouldBe($"Name {i}");
        }
    }

    [Fact]
    public async Task Readers_and_writers_at_once_never_see_less_than_was_answered()
    {
        var (one, two) = await replicas.CityAsync();
        var building = await one.AddBuildingAsync();
        (await one.PatchAsync($"{Member.Buildings}/{building}", new { name = "0" })).StatusCode.ShouldBe(HttpStatusCode.OK);
        var answered = 0;
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 6).Select(async i =>
        {
            var member = i % 2 == 0 ? one : two;
            var seen = 0;
            while (!done.IsCancellationRequested)
            {
                var atLeast = Volatile.Read(ref answered);
                int.Parse(await TwoReplicas.NameAsync(member, building), CultureInfo.InvariantCulture).ShouldBeGreaterThanOrEqualTo(atLeast);
                seen++;
            }

            return seen;
        }).ToList();
        for (var i = 1; i <= 40; i++)
        {
            (await (i % 2 == 0 ? one : two).PatchAsync($"{Member.Buildings}/{building}", new { name = $"{i}" })).StatusCode.ShouldBe(HttpStatusCode.OK);
            Volatile.Write(ref answered, i);
        }

        await done.CancelAsync();
        (await Task.WhenAll(readers)).Sum().ShouldBeGreaterThan(40);
    }

    [Fact]
    public async Task Readings_show_at_once_wherever_they_are_shown()
    {
        var (one, two) = await replicas.CityAsync();
        var sensor = await one.AddSensorAsync(await one.AddBuildingAsync());
        var start = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        for (var i = 1; i <= 4; i++)
        {
            (await one.PostAsync($"{Member.Sensors}/readings", new { readings = new[] { new { sensor, at = start.AddMinutes(15 * i), value = (double)i } } }))
                .StatusCode.ShouldBe(HttpStatusCode.OK);
            foreach (var member in (Member[])[two, one, two])
            {
                (await member.ReadAsync($"{Member.Sensors}/{sensor}")).GetProperty("lastReading").GetProperty("value").GetDouble().ShouldBe(i);
                (await member.ReadAsync(Member.Sensors)).GetProperty("items")[0].GetProperty("lastReading").GetProperty("value").GetDouble().ShouldBe(i);
                (await member.ReadAsync("/api/v1/citypulse/readings/latest")).GetProperty("items")[0].GetProperty("value").GetDouble().ShouldBe(i);
                (await member.ReadAsync($"{Member.Sensors}/{sensor}/readings?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).GetProperty("items").GetArrayLength().ShouldBe(i);
                (await member.ReadAsync("/api/v1/citypulse/energy?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).GetProperty("totals").GetProperty("kwh").GetDouble()
                    .ShouldBe(i * (i + 1) / 2.0, 1e-9);
            }
        }
    }

    [Fact]
    public async Task Organisations_roles_frontends_forms_and_addresses_are_kept_apart()
    {
        var (one, two) = await replicas.CityAsync();
        var (other, _) = await replicas.CityAsync();
        var (user, _) = await replicas.CityAsync(Role.User, one.OrganizationId);
        await one.AddBuildingAsync();
        for (var i = 0; i < 2; i++)
        {
            (await one.ReadAsync(Member.Buildings)).GetProperty("items").GetArrayLength().ShouldBe(1);
            (await user.ReadAsync(Member.Buildings)).GetProperty("items").GetArrayLength().ShouldBe(1);
            (await other.ReadAsync(Member.Buildings)).GetProperty("items").GetArrayLength().ShouldBe(0);
            (await two.ReadAsync($"{Member.Buildings}?q=nothing")).GetProperty("items").GetArrayLength().ShouldBe(0);
            using var map = await two.GetAsync(Member.Buildings, ("Accept", "application/geo+json"));
            (await map.ReadAsync(HttpStatusCode.OK)).GetProperty("type").GetString().ShouldBe("FeatureCollection");
            map.Content.Headers.ContentType!.MediaType.ShouldBe("application/geo+json");
            using var flow = await two.GetAsync(Member.Buildings, ("X-Frontend-Source", "flowmind"));
            flow.StatusCode.ShouldBe(HttpStatusCode.OK);
            // Refusals are never kept, nor given way to what is.
            await (await two.GetAsync(Member.Buildings, ("X-Frontend-Source", "nobody"))).ReadProblemAsync(HttpStatusCode.BadRequest);
            await (await two.GetAsync($"{Member.Buildings}?limit=0")).ReadProblemAsync(HttpStatusCode.BadRequest);
            await (await other.GetAsync($"{Member.Buildings}/{Guid.CreateVersion7()}")).ReadProblemAsync(HttpStatusCode.NotFound);
        }
    }

    [Fact]
    public async Task Every_versioned_table_tells_that_answers_change()
    {
        using var scope = replicas.One.Services.CreateScope();
        var tables = scope.ServiceProvider.GetRequiredService<CityDb>().Model.GetEntityTypes()
            .Where(t => t.ClrType.IsSubclassOf(typeof(TenantEntity))).Select(t => t.GetTableName()!).Append("outbox").ToList();
        await using var source = NpgsqlDataSource.Create(replicas.One.ConnectionString);
        await using var command = source.CreateCommand("SELECT array_agg(tgrelid::regclass::text) FROM pg_trigger WHERE tgname = 'answers_change'");
        var telling = (string[])(await command.ExecuteScalarAsync())!;
        tables.Except(telling).ShouldBeEmpty();
    }
}
