using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace CityPulse.AppHost;

/// <summary>Healthy when the server answers and has the database. Asking for the database itself would fill its log with refusals at first.</summary>
internal sealed class PostgresCheck(IResourceWithConnectionString server, string database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var connectionString = new NpgsqlConnectionStringBuilder(await server.GetConnectionStringAsync(cancellationToken)) { Database = "postgres", Pooling = false, Timeout = 5 };
            await using var connection = new NpgsqlConnection(connectionString.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = database });
            return await command.ExecuteScalarAsync(cancellationToken) is null
                ? HealthCheckResult.Unhealthy($"there is no database {database} yet")
                : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
    }
}

/// <summary>Healthy when it answers PING. A few lines of the protocol spare the AppHost a client library.</summary>
internal sealed class RedisCheck(IResourceWithConnectionString redis, ParameterResource password) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var address = (await redis.GetConnectionStringAsync(cancellationToken))!.Split(',')[0].Split(':');
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address[0], int.Parse(address[1], System.Globalization.CultureInfo.InvariantCulture), limit.Token);
            await using var stream = client.GetStream();
            await stream.WriteAsync(Command("AUTH", await password.GetValueAsync(limit.Token) ?? ""), limit.Token);
            await stream.WriteAsync(Command("PING"), limit.Token);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            var login = await reader.ReadLineAsync(limit.Token);
            var answer = await reader.ReadLineAsync(limit.Token);
            return answer == "+PONG" ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"it answers '{login}', '{answer}'");
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("it does not answer within 5 s");
        }
    }

    private static byte[] Command(params string[] words) => Encoding.UTF8.GetBytes(
        FormattableString.Invariant($"*{words.Length}\r\n") + string.Concat(words.Select(word => FormattableString.Invariant($"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n"))));
}
