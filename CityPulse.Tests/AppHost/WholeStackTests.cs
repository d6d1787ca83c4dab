using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Cryptography.KeyDerivation;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AppHost;

/// <summary>What a user does on the first day, through the one public origin, on the whole stack.</summary>
[Collection(StackCollection.Name)]
public sealed class WholeStackTests(StackFixture stack)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task From_register_to_an_answer_of_the_assistant(bool messagePack)
    {
        var cancel = TestContext.Current.CancellationToken;
        var city = await City.RegisterAsync(stack.CreateEdgeClient());
        var school = await city.CreateBuildingAsync("Linden School");
        var library = await city.CreateBuildingAsync("City Library");
        var schoolMeter = await city.CreateSensorAsync(school, externalId: "school-main", more: new { intervalSeconds = 3600 });
        await city.CreateSensorAsync(library, externalId: "library-main", more: new { intervalSeconds = 3600 });

        await using var live = await LiveClient.ConnectAsync(stack.Door, city.AccessToken, messagePack);
        (await live.SubscribeAsync([$"sensors/{schoolMeter}/readings"])).GetProperty("gap").GetBoolean().ShouldBeFalse();

        var hours = HoursOfLastMonth("Europe/Berlin");
        (await city.IngestAsync("school-main", hours.Select(at => (at, 2.5)))).GetProperty("accepted").GetInt32().ShouldBe(hours.Count);
        await city.IngestAsync("library-main", hours.Select(at => (at, 1.25)));

        var told = await live.NextAsync();
        told.GetProperty("type").GetString().ShouldBe("readings");
        told.GetProperty("topic").GetString().ShouldBe($"sensors/{schoolMeter}/readings");
        told.GetProperty("organizationId").GetGuid().ShouldBe(city.OrganizationId);
        told.GetProperty("data").GetArrayLength().ShouldBe(hours.Count);

        using var read = await city.Client.GetAsync(
            $"/api/v1/citypulse/sensors/{schoolMeter}/readings?from={hours[0]:O}&to={hours[^1].AddHours(1):O}&resolution=1d&limit=500".Replace("+00:00", "Z", StringComparison.Ordinal), cancel);
        var days = (await read.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray().ToArray();
        days.Sum(day => day.GetProperty("sum").GetDouble()).ShouldBe(hours.Count * 2.5, 1e-9);

        using var chat = await city.Client.PostAsJsonAsync("/api/v1/ai/chat", new { message = "Which building used the most energy last month?" }, cancel);
        var answer = await chat.ReadAsync(HttpStatusCode.OK);
        var content = answer.GetProperty("message").GetProperty("content").GetString()!;
        content.ShouldContain("Linden School");
        var kwh = await SumBySqlAsync(schoolMeter, hours[0], hours[^1].AddHours(1));
        kwh.ShouldBe(hours.Count * 2.5, 1e-9);
        content.Replace(",", "", StringComparison.Ordinal).ShouldContain(kwh.ToString("0.#", System.Globalization.CultureInfo.InvariantCulture));
        answer.GetProperty("toolCalls").GetArrayLength().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_password_is_kept_as_the_rounds_of_OWASP_make_it()
    {
        var cancel = TestContext.Current.CancellationToken;
        var city = await City.RegisterAsync(stack.CreateEdgeClient());
        await using var connection = new NpgsqlConnection(await stack.App.GetConnectionStringAsync("citydb", cancel) + ";Pooling=false");
        await connection.OpenAsync(cancel);
        await using var command = new NpgsqlCommand(
            "SELECT u.password_hash FROM users u JOIN memberships m ON m.user_id = u.id WHERE m.organization_id = $1", connection)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = city.OrganizationId } },
        };
        var hash = Convert.FromBase64String((string)(await command.ExecuteScalarAsync(cancel))!);

        // Identity's format: its version, then the function of PBKDF2 and the count of its rounds.
        hash[0].ShouldBe((byte)1);
        BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(1)).ShouldBe((int)KeyDerivationPrf.HMACSHA512);
        BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(5)).ShouldBe(210_000);
    }

    [Fact]
    public async Task All_services_are_healthy_and_keep_their_internals_to_themselves()
    {
        var cancel = TestContext.Current.CancellationToken;
        foreach (var service in new[] { "api", "realtime", "aigateway" })
        {
            using var client = stack.App.CreateHttpClient(service, "http");
            using var health = await client.GetAsync("/health", cancel);
            // "degraded" is no fault here: on a busy machine answers may be slow.
            (await health.ReadAsync(HttpStatusCode.OK)).GetProperty("status").GetString().ShouldBeOneOf("healthy", "degraded");
            using var metrics = await client.GetAsync("/metrics", cancel);
            await metrics.ReadProblemAsync(HttpStatusCode.NotFound);

            using var inside = stack.App.CreateHttpClient(service, "internal");
            (await inside.GetStringAsync("/metrics", cancel)).ShouldContain("http_server_request_duration");
        }
    }

    [Fact]
    public void The_first_start_tries_no_login_that_is_not_there_yet()
    {
        stack.FirstStartOfPostgres.ShouldContain(line => line.Contains("ready to accept connections", StringComparison.Ordinal));
        stack.FirstStartOfPostgres.Where(line => line.Contains("authentication failed", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_live_stream_refuses_callers_without_a_token()
    {
        var refused = await Should.ThrowAsync<HttpRequestException>(() => LiveClient.ConnectAsync(stack.Door, token: ""));
        refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static List<DateTimeOffset> HoursOfLastMonth(string timeZone)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(timeZone);
        var local = TimeZoneInfo.ConvertTime(TimeProvider.System.GetUtcNow(), zone);
        var thisMonth = new DateTime(local.Year, local.Month, 1, 0, 0, 0, DateTimeKind.Unspecified);
        var from = Utc(thisMonth.AddMonths(-1));
        var to = Utc(thisMonth);
        var hours = new List<DateTimeOffset>();
        for (var at = from; at < to; at = at.AddHours(1))
        {
            hours.Add(at);
        }

        return hours;

        DateTimeOffset Utc(DateTime t) => new(TimeZoneInfo.ConvertTimeToUtc(t, zone), TimeSpan.Zero);
    }

    private async Task<double> SumBySqlAsync(Guid sensor, DateTimeOffset from, DateTimeOffset to)
    {
        await using var connection = new NpgsqlConnection(await stack.App.GetConnectionStringAsync("citydb", TestContext.Current.CancellationToken) + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var sum = new NpgsqlCommand(
            "SELECT sum(r.value) FROM readings r JOIN sensors s ON s.key = r.sensor_key WHERE s.id = $1 AND r.observed_at >= $2 AND r.observed_at < $3", connection)
        {
            Parameters = { new() { Value = sensor }, new() { Value = from.UtcDateTime }, new() { Value = to.UtcDateTime } },
        };
        return (double)(await sum.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
