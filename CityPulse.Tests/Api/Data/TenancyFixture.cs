using CityPulse.Api.Data;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace CityPulse.Tests.Api.Data;

/// <summary>The data layer as the Api wires it, without anything above it.</summary>
public sealed class TenancyFixture(TestStores stores) : IAsyncLifetime
{
    // Seven ticks past the second, to see them cut off.
    internal FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero).AddTicks(7));

    internal WebApplication App { get; private set; } = null!;

    public async ValueTask InitializeAsync() => App = await StartAsync(await stores.CreateDatabaseAsync(), Time);

    public ValueTask DisposeAsync() => App.DisposeAsync();

    internal static async Task<WebApplication> StartAsync(string database, TimeProvider time)
    {
        var app = Build(database, time);
        await app.StartAsync();
        await app.Services.GetRequiredService<DatabaseReady>().WaitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        return app;
    }

    internal static WebApplication Build(string? database, TimeProvider time, Dictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration["ConnectionStrings:citydb"] = database;
        builder.Configuration["Auth:KeyEncryptionKey"] = Convert.ToBase64String(new byte[32]);
        foreach (var (key, value) in settings ?? [])
        {
            builder.Configuration[key] = value;
        }

        builder.Services.RemoveAll<TimeProvider>();
        builder.Services.AddSingleton(time);
        builder.AddCityData();
        return builder.Build();
    }
}
