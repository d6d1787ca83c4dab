using System.Net;
using System.Net.Http.Headers;
using CityPulse.Api.Alerts.Evaluation;
using CityPulse.Api.Data;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>The real thing step by step: the workers stand still until the test lets them work.</summary>
public sealed class ModelTests(TestStores stores)
{
    private const int Sensors = 4;
    private const int Steps = 10_000;
    private const int ReadingsARound = 80;
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Acts = ["acknowledge", "acknowledge", "comment", "shelve", "unshelve", "close"];

    private sealed class StandingClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = Start;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private readonly StandingClock _clock = new();

    [Fact]
    public async Task Ten_thousand_random_steps_leave_the_same_alerts_states_and_history_as_a_reference_model()
    {
        await using var city = await CityAsync();
        var model = new ReferenceModel(Sensors);
        var random = new Random(20261128);
        var (rules, now) = (new List<Guid>(), 0);
        foreach (var (rule, condition) in Conditions())
        {
            model.Add(rule, now);
            rules.Add(await city.AddRuleAsync(rule.OnlySensor, condition));
        }

        for (var steps = 0; steps < Steps; steps++)
        {
            now += random.Next(5, 120);
            _clock.Now = Start.AddSeconds(now);
            var batch = Batch(model, random, now);
            await city.IngestAsync(batch);
            for (var sensor = 0; sensor < Sensors; sensor++)
            {
                model.Store(sensor, batch.Where(r => r.Sensor == sensor).Select(r => (r.At, r.Value)));
            }

            if (random.Next(8) == 0)
            {
                var rule = random.Next(rules.Count);
                var (limit, enabled) = (model.Rules[rule].Kind is ReferenceModel.Kind.Limit ? random.Next(50, 80) : model.Rules[rule].Limit, random.Next(4) != 0);
                model.Edit(rule, limit, enabled, now);
                await city.EditAsync(rules[rule], model.Rules[rule].Kind is ReferenceModel.Kind.Limit ? limit : null, enabled);
                steps++;
            }

            await city.JudgeAsync();
            model.Judge(now);
            for (var act = 0; act < 5 && model.Alerts.Count > 0; act++)
            {
                var alert = model.Alerts[^random.Next(1, Math.Min(40, model.Alerts.Count) + 1)];
                var what = Acts[random.Next(Acts.Length)];
                if (!alert.Withdrawn)
                {
                    (await city.ActAsync(rules[alert.Rule], alert, what)).ShouldBe(
                        ReferenceModel.Act(alert, what, now) ? HttpStatusCode.OK : HttpStatusCode.Conflict, $"{what} of {alert}");
                    steps++;
                }
            }

            steps += batch.Count;
            if (random.Next(20) == 0)
            {
                await city.ShouldTellAsync(model, rules);
            }
        }

        await city.ShouldTellAsync(model, rules);
        model.Alerts.Count.ShouldBeGreaterThan(200);
        model.Alerts.SelectMany(a => a.History).Distinct().Order().ShouldBe(
            ["acknowledged", "cleared", "closed", "commented", "corrected", "raised", "retired", "shelved", "unshelved", "withdrawn"]);
    }

    [Fact]
    public async Task A_crash_between_taking_the_work_and_the_commit_loses_and_doubles_nothing()
    {
        await using var city = await CityAsync();
        await city.AddRuleAsync(null, new { type = "threshold", @operator = ">", value = 60 });
        await city.IngestAsync([(0, 0, 80), (1, 0, 90)]);
        _clock.Now = Start.AddMinutes(1);

        await using (var scope = city.Host.Services.GetRequiredService<IServiceScopeFactory>().CreateTenantScope(city.Organization))
        {
            var db = scope.ServiceProvider.GetRequiredService<CityDb>();
            var crash = db.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
            {
                await using var transaction = await db.Database.BeginTransactionAsync();
                (await scope.ServiceProvider.GetRequiredService<BuildingEvaluation>().RunAsync(city.Building, CancellationToken.None)).ShouldBeTrue();
                (await db.Set<CityPulse.Api.Alerts.Alert>().CountAsync()).ShouldBe(2);
                var pid = ((NpgsqlConnection)db.Database.GetDbConnection()).ProcessID;
                (await city.ScalarAsync<bool>("SELECT pg_terminate_backend($1)", pid)).ShouldBeTrue();
                try
                {
                    await transaction.CommitAsync();
                }
                catch (NpgsqlException e)
                {
                    throw new OperationCanceledException("The connection is lost, as it should be.", e);
                }
            });
            await Should.ThrowAsync<OperationCanceledException>(() => crash);
        }

        (await city.ScalarAsync<long>("SELECT count(*) FROM alerts")).ShouldBe(0);
        (await city.ScalarAsync<long>("SELECT count(*) FROM alert_work WHERE sensor_id IS NOT NULL")).ShouldBeGreaterThan(0);
        await city.JudgeAsync();
        (await city.ScalarAsync<long>("SELECT count(*) FROM alerts")).ShouldBe(2);
        (await city.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE type = 'alert.raised'")).ShouldBe(2);

        // And what is judged twice is the same as once.
        await city.ScalarAsync<long>("WITH again AS (INSERT INTO alert_work (organization_id, building_id, sensor_id, earliest) SELECT organization_id, building_id, id, $1 FROM sensors RETURNING 1) SELECT count(*) FROM again", Start);
        await city.JudgeAsync();
        (await city.ScalarAsync<long>("SELECT count(*) FROM alert_history")).ShouldBe(2);
    }

    private static IEnumerable<(ReferenceModel.Rule Rule, object Condition)> Conditions()
    {
        yield return (new(ReferenceModel.Kind.Limit) { Deadband = 10 }, new { type = "threshold", @operator = ">", value = 60, hysteresis = 10 });
        yield return (new(ReferenceModel.Kind.Limit) { On = 45, Off = 30 },
            new { type = "threshold", @operator = ">", value = 60, forSeconds = 45, offDelaySeconds = 30 });
        yield return (new(ReferenceModel.Kind.Rate) { Off = 20 }, new { type = "rate_of_change", perMinutes = 1, value = 40, offDelaySeconds = 20 });
        yield return (new(ReferenceModel.Kind.LimitOrRate) { On = 10 }, new
        {
            type = "any", forSeconds = 10,
            conditions = new object[] { new { type = "threshold", @operator = ">", value = 60 }, new { type = "rate_of_change", perMinutes = 1, value = 40 } },
        });
        yield return (new(ReferenceModel.Kind.Silence, onlySensor: 0) { After = 90 }, new { type = "no_data", afterSeconds = 90 });
    }

    /// <summary>Mostly new readings, some of them late, some sent again, some corrected.</summary>
    private static List<(int Sensor, int At, double Value)> Batch(ReferenceModel model, Random random, int now)
    {
        var batch = new Dictionary<(int, int), double>();
        var size = random.Next(ReadingsARound * 2);
        for (var i = 0; i < size; i++)
        {
            var sensor = random.Next(Sensors);
            var stored = model.ReadingsOf(sensor);
            var (at, value) = (now - random.Next(0, 120), (double)random.Next(0, 100));
            switch (random.Next(10))
            {
                case 0:
                    at = Math.Max(0, now - random.Next(0, 3600));
                    break;
                case 1 when stored.Count > 0:
                    at = stored.Keys.ElementAt(random.Next(stored.Count));
                    value = random.Next(2) == 0 ? stored[at] : value;
                    break;
            }

            batch[(sensor, Math.Max(0, at))] = value;
        }

        // Sensor 0 falls silent now and then.
        return [.. batch.Where(r => r.Key.Item1 != 0 || now / 600 % 3 != 0).Select(r => (r.Key.Item1, r.Key.Item2, r.Value))];
    }

    private async Task<SteppedCity> CityAsync()
    {
        var tokens = new TestTokens();
        var host = await ApiHost.StartAsync(
            stores,
            settings: [new("RATE_LIMITING_ENABLED", "false"), new("Alerts:ClockToleranceSeconds", AlertsApi.ClockMaySaySo)],
            services: s =>
            {
                s.Replace(ServiceDescriptor.Singleton<IAccessTokenKeys>(tokens)).Replace(ServiceDescriptor.Singleton<TimeProvider>(_clock));
                foreach (var worker in s.Where(d => d.ServiceType == typeof(IHostedService)
                    && (d.ImplementationType == typeof(AlertEvaluator) || d.ImplementationType == typeof(AlertTicker))).ToList())
                {
                    s.Remove(worker);
                }
            });
        var city = new SteppedCity(host, tokens);
        await city.BeginAsync();
        return city;
    }

    /// <summary>One organisation with one building and its sensors, whose workers work when told to.</summary>
    private sealed class SteppedCity(ApiHost host, TestTokens tokens) : IAsyncDisposable
    {
        private readonly NpgsqlDataSource _database = NpgsqlDataSource.Create(host.ConnectionString);
        private readonly AlertEvaluator _evaluator = ActivatorUtilities.CreateInstance<AlertEvaluator>(host.Services);
        private readonly AlertTicker _ticker = ActivatorUtilities.CreateInstance<AlertTicker>(host.Services);
        private readonly List<Guid> _sensors = [];
        private Member _member = null!;

        public ApiHost Host => host;

        public Guid Organization => _member.OrganizationId;

        public Guid Building { get; private set; }

        public async Task BeginAsync()
        {
            var organization = Guid.CreateVersion7();
            await ScalarAsync<Guid>("INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Test city', now()) RETURNING id", organization);
            var client = host.CreateClient();
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", tokens.Issue(change: t =>
            {
                t.Claims[CityClaims.Organization] = organization.ToString();
                (t.NotBefore, t.IssuedAt, t.Expires) = (Start.UtcDateTime.AddDays(-1), null, Start.UtcDateTime.AddDays(90));
            }));
            _member = new Member(client, organization);
            await Eventually.TrueAsync(async () => (await _member.GetAsync(Member.Buildings)).IsSuccessStatusCode, "tokens can be verified");
            Building = await _member.AddBuildingAsync();
            for (var sensor = 0; sensor < Sensors; sensor++)
            {
                _sensors.Add(await _member.AddSensorAsync(Building, new { quantity = "temperature", minValue = -1000 }));
            }
        }

        public async Task<Guid> AddRuleAsync(int? sensor, object condition) => (await (await _member.PostAsync(AlertsApi.Rules, new
        {
            name = "A rule", severity = "warning", condition,
            scope = sensor is { } only ? (object)new { sensorId = _sensors[only] } : new { buildingId = Building },
        })).ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();

        public async Task EditAsync(Guid rule, double? limit, bool enabled) => await (await _member.PatchAsync(
            $"{AlertsApi.Rules}/{rule}", limit is { } value ? new { enabled, condition = new { value } } : (object)new { enabled })).ReadAsync(HttpStatusCode.OK);

        public async Task IngestAsync(List<(int Sensor, int At, double Value)> batch)
        {
            if (batch.Count > 0)
            {
                await (await _member.PostAsync(Member.Sensors + "/readings", new
                {
                    readings = batch.Select(r => new { sensor = _sensors[r.Sensor], at = Start.AddSeconds(r.At), value = r.Value }),
                })).ReadAsync(HttpStatusCode.OK);
            }
        }

        public async Task JudgeAsync()
        {
            await using var connection = await _database.OpenConnectionAsync();
            await _ticker.TickOnceAsync(connection, CancellationToken.None);
            while (await _evaluator.EvaluateWaitingAsync(CancellationToken.None) > 0)
            {
            }
        }

        public async Task<HttpStatusCode> ActAsync(Guid rule, ReferenceModel.Told alert, string act)
        {
            var id = await ScalarAsync<Guid>(
                "SELECT id FROM alerts WHERE rule_id = $1 AND sensor_id = $2 AND revision = $3 AND raised_at = $4 AND NOT is_withdrawn",
                rule, _sensors[alert.Sensor], alert.Revision, Start.AddSeconds(alert.Raised));
            object body = act switch { "shelve" => new { minutes = 10, reason = "x" }, "comment" => new { comment = "x" }, _ => new { } };
            return (await _member.PostAsync($"{AlertsApi.Route}/{id}/{act}", body)).StatusCode;
        }

        public async Task ShouldTellAsync(ReferenceModel model, List<Guid> rules)
        {
            await using var command = _database.CreateCommand("""
                SELECT rule_id, sensor_id, revision, raised_at, cleared_at, state, value, occurrences, shelved_until, is_withdrawn,
                    (SELECT string_agg(h.action, ' ' ORDER BY h.id) FROM alert_history h WHERE h.alert_id = a.id)
                FROM alerts a
                """);
            await using var reader = await command.ExecuteReaderAsync();
            var told = new List<string>();
            while (await reader.ReadAsync())
            {
                told.Add(FormattableString.Invariant(
                    $"rule {rules.IndexOf(reader.GetGuid(0))}.{reader.GetInt32(2)} sensor {_sensors.IndexOf(reader.GetGuid(1))}: {Seconds(3)}..{Seconds(4)} {reader.GetString(5)} value {(reader.IsDBNull(6) ? null : reader.GetDouble(6))} × {reader.GetInt32(7)} shelf {Seconds(8)} withdrawn {reader.GetBoolean(9)} [{reader.GetString(10)}]"));
            }

            var expected = model.Alerts.ConvertAll(a => a.ToString());
            told.Except(expected).Order().Take(5).ShouldBe(expected.Except(told).Order().Take(5));
            told.Order(StringComparer.Ordinal).ShouldBe(expected.Order(StringComparer.Ordinal));

            int? Seconds(int column) => reader.IsDBNull(column) ? null : (int)(reader.GetFieldValue<DateTimeOffset>(column) - Start).TotalSeconds;
        }

        public async Task<T> ScalarAsync<T>(string sql, params object[] parameters)
        {
            await using var command = _database.CreateCommand(sql);
            foreach (var parameter in parameters)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = parameter });
            }

            return (T)(await command.ExecuteScalarAsync())!;
        }

        public async ValueTask DisposeAsync()
        {
            _evaluator.Dispose();
            _ticker.Dispose();
            await _database.DisposeAsync();
            await host.DisposeAsync();
            tokens.Dispose();
        }
    }
}
