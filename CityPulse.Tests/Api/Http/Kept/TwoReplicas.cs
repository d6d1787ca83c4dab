using System.Net.Http.Headers;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace CityPulse.Tests.Api.Http.Kept;

/// <summary>Two replicas of the Api on one database, each with what it keeps, and a Redis of their own between them.</summary>
public sealed class TwoReplicas(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();

    internal StoreProcess Redis { get; private set; } = null!;

    internal ApiHost One { get; private set; } = null!;

    internal ApiHost Two { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Redis = await TestStores.BorrowRedisAsync();
        One = await StartAsync(null);
        Two = await StartAsync(One.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
        await TestStores.GiveBackRedisAsync(Redis);
        _tokens.Dispose();
    }

    private Task<ApiHost> StartAsync(string? database) => ApiHost.StartAsync(
        stores,
        settings: new Dictionary<string, string?> { ["ConnectionStrings:redis"] = $"127.0.0.1:{Redis.Port},connectTimeout=500" },
        services: s => s.Replace(ServiceDescriptor.Singleton<IAccessTokenKeys>(_tokens)),
        database: database);

    internal async Task<(Member One, Member Two)> CityAsync(Role role = Role.Admin, Guid? organization = null)
    {
        var id = organization ?? Guid.CreateVersion7();
        if (organization is null)
        {
            await ExecuteAsync($"INSERT INTO organizations (id, name, created_at) VALUES ('{id}', 'Test city', now())");
        }

        var token = _tokens.Issue(role, change: t => t.Claims[CityClaims.Organization] = id.ToString());
        return (Of(One), Of(Two));

        Member Of(ApiHost host)
        {
            var client = host.CreateClient();
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return new Member(client, id);
        }
    }

    internal async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(One.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Changes what is stored behind the service's back, so that an answer tells whether it was kept.</summary>
    internal Task ChangeUnseenAsync(string sql) => ExecuteAsync($"SET session_replication_role = replica; {sql}");

    internal static async Task<string> NameAsync(Member member, Guid id) =>
        (await member.ReadAsync($"{Member.Buildings}/{id}")).GetProperty("name").GetString()!;
}
