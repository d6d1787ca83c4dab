using System.Net;
using System.Text;
using CityPulse.Bench.Drills;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting;

/// <summary>An answered call is in the accounts whichever process falls, although its answer did not wait for the disk.</summary>
public sealed class LostCallTests(TestStores stores) : IAsyncLifetime
{
    private const int Calls = 20;
    private const int MostFalls = 5;
    private const decimal AnswerUsd = ((FakeProviders.InputTokens * 2) + (FakeProviders.OutputTokens * 10)) / 1_000_000m;

    private readonly TestTokens _tokens = new();
    private readonly Guid _organization = Guid.CreateVersion7();
    private FakeServer _api = null!;
    private FakeServer _providers = null!;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApi.StartAsync((context, _) => GatewayProcess.AnswerAsync(context, _tokens));
        _providers = await FakeProviders.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        await _providers.DisposeAsync();
        _tokens.Dispose();
    }

    [Fact]
    public async Task After_kill_9_of_the_gateway_the_database_has_every_call_that_was_answered()
    {
        var database = await stores.CreateDatabaseAsync();
        using var gateway = await GatewayProcess.StartAsync(stores, database, _api.Address, Settings());
        using var client = await gateway.ClientAsync(Token());
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => CompleteAsync(client, Calls / 4)));
        await gateway.KillAsync();

        (await CallsAsync(database)).ShouldBe(Calls);
        // What it had not posted another replica posts.
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(1));
        await using var other = await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), database, time: time);
        await ShouldBecomePostedAsync(database, time, Calls);
    }

    [Fact]
    public async Task What_a_replica_leaves_in_the_journal_another_posts_and_nothing_twice()
    {
        var database = await stores.CreateDatabaseAsync();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var first = await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), database, time: time);
        using var client = first.CreateClient(Token());
        await CompleteAsync(client, Calls);
        // Its clock stands still, and with it what would post them.
        (await ReadAsync(database, "select count(*) from ai.journal_rows")).ShouldBeGreaterThan(0);
        (await CallsAsync(database)).ShouldBe(Calls);
        using var report = await client.GetAsync("/api/v1/ai/usage?from=2020-01-01T00:00:00Z&to=2060-01-01T00:00:00Z");
        (await report.ReadAsync(HttpStatusCode.OK)).GetProperty("totals").GetProperty("calls").GetInt32().ShouldBe(Calls);

        var later = new FakeTimeProvider(time.GetUtcNow() + TimeSpan.FromMinutes(1));
        await using (await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), database, time: later))
        {
            await ShouldBecomePostedAsync(database, later, Calls);
        }

        // The first comes back, and finds that what it would post is posted.
        time.Advance(TimeSpan.FromSeconds(1));
        await CompleteAsync(client, 1);
        await ShouldBecomePostedAsync(database, time, Calls + 1);
        first.Log.Lines.Count(e => e.Message.Contains("told to the accounts again", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task What_a_replica_of_the_version_before_left_in_its_journal_is_posted_once()
    {
        var database = await stores.CreateDatabaseAsync();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), database, time: time);
        using var client = gateway.CreateClient(Token());
        await CompleteAsync(client, 1);
        await ShouldBecomePostedAsync(database, time, 1);

        // Two calls, one of which had been posted; of their reservation nothing is left.
        await RunAsync(database, """
            insert into ai.journal (organization_id, replica_id, number, at, ids, user_ids, conversation_ids, models, providers, input_tokens, output_tokens,
                costs_usd, are_estimated, outcomes, ats, reservation_ids, charges_usd, months)
            select organization_id, gen_random_uuid(), 1, at, array[id, gen_random_uuid()], array[user_id, user_id], array[null, null]::uuid[],
                array[model, model], array[provider, provider], array[1, 1], array[1, 1], array[0.5, 0.5], array[false, false],
                array[outcome, outcome], array[at, at], array[gen_random_uuid(), gen_random_uuid()], array[0.5, 0.5], array[month, month]
            from ai.usage, lateral (select date_trunc('month', at at time zone 'UTC')::date as month) m
            """);
        await Eventually.TrueAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await ReadAsync(database, "select count(*) from ai.journal") == 0;
        }, "the old journal is empty");

        (await CallsAsync(database)).ShouldBe(2);
        (await SpentAsync(database)).ShouldBe(AnswerUsd + 0.5m);
        (await DisagreementAsync(database)).ShouldBe(0);
    }

    [Fact]
    public async Task After_kill_9_of_the_database_the_gateway_tells_every_call_again_and_none_twice()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"citypulse-lost-{Guid.NewGuid():N}");
        var port = TestStores.FreePort();
        var database = $"Host=127.0.0.1;Port={port};Username=postgres;Password=test;Database=postgres;Maximum Pool Size=20";
        try
        {
            var postgres = await StartAsync();
            // The log's own writer is kept from its work, and the gateway's flush by its clock.
            await RunAsync(database, "alter system set wal_writer_delay = '10s'");
            await RunAsync(database, "select pg_reload_conf()");
            var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
            await using (var gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), database, time: time))
            {
                using var client = gateway.CreateClient(Token());
                // A purse that is filled meanwhile waits for the disk, and all that came before it is there then; at some fall it is not so.
                var isLost = false;
                for (var fall = 1; fall <= MostFalls && !isLost; fall++)
                {
                    await Eventually.TrueAsync(() => TryCompleteAsync(client), "a call is answered");
                    await CompleteAsync(client, Calls - 1);
                    await postgres.KillAsync();
                    await postgres.DisposeAsync();
                    postgres = await StartAsync();
                    isLost = await CallsAsync(database) < _providers.Seen.Count;
                }

                isLost.ShouldBeTrue("the database has lost some, or this test shows nothing");

                // Nobody calls; the gateway finds out by itself.
                await ShouldBecomePostedAsync(database, time, _providers.Seen.Count);

                // Whatever became of a session that is lost with nothing lost, nothing is there twice.
                await CompleteAsync(client, Calls);
                await RunAsync(database, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'");
                await Eventually.TrueAsync(() => TryCompleteAsync(client), "a call is answered again");
            }

            // A gateway that stops leaves nothing behind that a fall could take. What was paid for and could not be answered counts too.
            await postgres.KillAsync();
            await postgres.DisposeAsync();
            postgres = await StartAsync();
            var paid = _providers.Seen.Count;
            (await ReadAsync(database, "select count(*) from ai.usage")).ShouldBe(paid);
            (await SpentAsync(database)).ShouldBe(paid * AnswerUsd);
            (await DisagreementAsync(database)).ShouldBe(0);
            (await ReadAsync(database, "select sum(reserved_usd) from ai.spending")).ShouldBe(0);
            await postgres.DisposeAsync();
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            Directory.Delete(folder, recursive: true);
        }

        Task<StoreProcess> StartAsync() => StoreProcess.StartAsync(["postgres", "--data", folder, "--no-fsync"], "test", port);
    }

    [Fact]
    public async Task A_row_whose_session_was_lost_before_the_database_could_say_that_it_has_it_is_there_once()
    {
        var database = await stores.CreateDatabaseAsync();
        await using var link = Link(database, out var throughLink);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), throughLink, time: time);
        using var client = gateway.CreateClient(Token());
        await CompleteAsync(client, Calls);
        var rows = await ReadAsync(database, "select count(*) from ai.journal_rows");

        link.HoldAnswers();
        var asked = TryCompleteAsync(client);
        await Eventually.TrueAsync(async () => await ReadAsync(database, "select count(*) from ai.journal_rows") == rows + 1, "the database has the row");
        asked.IsCompleted.ShouldBeFalse();
        link.Break();

        (await asked).ShouldBeTrue();
        (await ReadAsync(database, "select count(*) from ai.journal_rows")).ShouldBe(rows + 1);
        (await CallsAsync(database)).ShouldBe(Calls + 1);
        await ShouldBecomePostedAsync(database, time, Calls + 1);
    }

    [Fact]
    public async Task A_session_that_was_lost_while_it_lay_idle_costs_no_call()
    {
        var database = await stores.CreateDatabaseAsync();
        await using var link = Link(database, out var throughLink);
        await using var gateway = await GatewayHost.StartAsync(stores, _api.Address, _tokens, Settings(), throughLink);
        using var client = gateway.CreateClient(Token());
        using (var report = await client.GetAsync("/api/v1/ai/usage"))
        {
            report.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        link.Break();

        (await TryCompleteAsync(client)).ShouldBeTrue();
        (await CallsAsync(database)).ShouldBe(1);
    }

    private static Link Link(string database, out string throughLink)
    {
        var settings = new NpgsqlConnectionStringBuilder(database) { SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable };
        var link = new Link(settings.Port);
        settings.Port = link.Port;
        throughLink = settings.ConnectionString;
        return link;
    }

    private Dictionary<string, string?> Settings() => new(FakeProviders.Settings(_providers)) { ["Ai:Budgets:OrganizationMonthlyUsd"] = "100" };

    private string Token() => _tokens.Issue(Role.User, change: d => d.Claims[CityClaims.Organization] = _organization.ToString());

    private static async Task CompleteAsync(HttpClient client, int times)
    {
        for (var i = 0; i < times; i++)
        {
            (await TryCompleteAsync(client)).ShouldBeTrue();
        }
    }

    private static async Task<bool> TryCompleteAsync(HttpClient client)
    {
        using var question = new StringContent(
            """{"model":"openai/good","max_tokens":10,"messages":[{"role":"user","content":"hello"}]}""", Encoding.UTF8, "application/json");
        using var response = await client.PostAsync("/api/v1/ai/v1/chat/completions", question);
        return response.StatusCode == HttpStatusCode.OK;
    }

    private async Task ShouldBecomePostedAsync(string database, FakeTimeProvider time, int calls)
    {
        await Eventually.TrueAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return await ReadAsync(database, "select count(*) from ai.usage") == calls && await ReadAsync(database, "select count(*) from ai.journal_rows") == 0;
        }, "all calls are posted");
        (await SpentAsync(database)).ShouldBe(calls * AnswerUsd);
        (await DisagreementAsync(database)).ShouldBe(0);
    }

    private static Task<decimal> CallsAsync(string database) => ReadAsync(database, "select count(*) from ai.usage");

    /// <summary>Between the sum of what is set aside and the reservations.</summary>
    private static Task<decimal> DisagreementAsync(string database) => ReadAsync(database, $"""
        select (select coalesce(sum(amount_usd), 0) from ai.reservations) - (select reserved_usd from ai.spending where user_id = '{Guid.Empty}')
        """);

    private Task<decimal> SpentAsync(string database) =>
        ReadAsync(database, $"select spent_usd from ai.spending where organization_id = '{_organization}' and user_id = '{Guid.Empty}'");

    private static async Task RunAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<decimal> ReadAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToDecimal(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }
}
