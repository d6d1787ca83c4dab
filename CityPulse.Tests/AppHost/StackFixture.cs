using CityPulse.Tests.Support;

namespace CityPulse.Tests.AppHost;

/// <summary>The tests that share one stack, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class StackCollection : ICollectionFixture<StackFixture>
{
    public const string Name = "whole stack";
}

/// <summary>The whole stack, started once through the testing API: real Postgres, real Redis protocol, three services, all as processes.</summary>
public sealed class StackFixture : IAsyncLifetime
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    public DistributedApplication App { get; private set; } = null!;

    /// <summary>What PostgreSQL had to say of the first start, on a store that was made for it.</summary>
    public IReadOnlyList<string> FirstStartOfPostgres { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.CityPulse_AppHost>(["--Sample=false"], limit.Token);
        App = await builder.BuildAsync(limit.Token);
        await App.StartAsync(limit.Token);
        foreach (var service in new[] { "api", "realtime", "aigateway" })
        {
            await App.ResourceNotifications.WaitForResourceHealthyAsync(service, limit.Token);
        }

        FirstStartOfPostgres = App.GetLog("postgres");
    }

    /// <summary>A client of the edge: the one origin that users know.</summary>
    public HttpClient CreateEdgeClient() => App.CreateHttpClient("api", "http");

    /// <summary>The live stream behind the edge.</summary>
    public Uri Door => new(App.GetEndpoint("api", "http"), "/ws");

    /// <summary>Waits until a service answers ready through its own public endpoint.</summary>
    public async Task ReadyAsync(string service)
    {
        using var client = App.CreateHttpClient(service, "http");
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    using var answer = await client.GetAsync("/health/ready");
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    // Nothing listens while the process is being started again.
                    return false;
                }
            },
            $"{service} is ready",
            TimeSpan.FromSeconds(60));
    }

    public async ValueTask DisposeAsync()
    {
        if (App is not null)
        {
            await App.DisposeAsync();
        }
    }
}
