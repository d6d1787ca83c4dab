using System.Collections.Concurrent;
using System.Diagnostics;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Sensors;

/// <summary>What a list costs the database. With an Api of its own, so that no other test speaks to its database meanwhile.</summary>
public sealed class SensorRoundTripTests(OwnCityApi api) : IClassFixture<OwnCityApi>
{
    [Theory]
    [InlineData("")]
    [InlineData("?status=online")]
    public async Task A_list_with_newest_readings_is_one_query_by_index(string query)
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var now = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < 20; i++)
        {
            await api.StoreReadingAsync(await admin.AddSensorAsync(building), now.AddMinutes(-i), i);
        }

        var statements = new ConcurrentQueue<string>();
        var database = new NpgsqlConnectionStringBuilder(api.ConnectionString).Database;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                var tags = activity.TagObjects.ToDictionary(t => t.Key, t => t.Value?.ToString());
                var text = tags.GetValueOrDefault("db.query.text") ?? tags.GetValueOrDefault("db.statement");
                if (tags.ContainsValue(database) && text?.Contains("sensors", StringComparison.Ordinal) == true)
                {
                    statements.Enqueue(text);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        (await admin.ReadAsync($"{Member.Sensors}{query}")).GetProperty("items").GetArrayLength().ShouldBe(20);

        // One query, and in it one step into the index a sensor: not a window over all readings.
        var statement = statements.ShouldHaveSingleItem();
        statement.ShouldNotContain("ROW_NUMBER");
        var plan = await ExplainAsync(statement, admin.OrganizationId);
        plan.ShouldContain("Index Scan Backward", customMessage: plan);
        plan.ShouldNotContain("->  Sort", customMessage: plan);
    }

    /// <summary>The plan with sequential scans priced out: the few rows of a test would be read whole.</summary>
    private async Task<string> ExplainAsync(string statement, Guid organizationId)
    {
        var literal = statement
            .Replace("@ef_filter__OrganizationId", $"'{organizationId}'", StringComparison.Ordinal)
            .Replace("@now", "now()", StringComparison.Ordinal)
            .Replace("@p", "51", StringComparison.Ordinal);
        // As requests see it: the statement begins by telling the organisation.
        literal = literal.Insert(literal.IndexOf("SELECT", StringComparison.Ordinal), "EXPLAIN ");
        var requests = api.Services.GetRequiredService<TenantDatabase>().Requests;
        await using var connection = await requests.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand($"SET enable_seqscan = off; SET enable_bitmapscan = off; {literal}", connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var lines = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            lines.Add(reader.GetString(0));
        }

        return string.Join('\n', lines);
    }
}
