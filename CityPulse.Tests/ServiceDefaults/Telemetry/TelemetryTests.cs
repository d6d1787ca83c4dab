using System.Text.RegularExpressions;
using System.Collections.Concurrent;
using System.Text;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Telemetry;

public sealed class TelemetryTests
{
    private static Task<DefaultsHost> StartAsync(Dictionary<string, string?>? settings = null) => DefaultsHost.StartAsync(
        app =>
        {
            app.MapGet("/things/{id}", (string id) => id).RequirePermission(Permission.ReadCity);
            app.MapGet("/ws", () => "in").RequirePermission(Permission.Realtime);
            app.MapGet("/away", () => Results.StatusCode(503)).AllowAnonymous();
            app.MapGet("/fault", object () => throw new InvalidOperationException("broken")).AllowAnonymous();
        },
        builder => builder.AcceptAccessTokenFromQuery("/ws"),
        settings: settings);

    [Fact]
    public async Task A_request_is_one_line_with_route_status_and_ids()
    {
        await using var host = await StartAsync();
        using var response = await host.SendAsync(HttpMethod.Get, "/things/7?secret=1", role: Role.User);
        await Eventually.TrueAsync(() => Lines(host).Count == 1, "one line is logged");
        var line = Lines(host)[0];
        line.ShouldStartWith("GET /things/{id} 200 in ");
        line.ShouldContain($"request {response.Headers.GetValues(CityHeaders.RequestId).Single()}");
        line.ShouldNotContain("secret");
    }

    [Fact]
    public async Task A_fault_is_a_line_with_its_error_id()
    {
        await using var host = await StartAsync();
        using var response = await host.SendAsync(HttpMethod.Get, "/fault");
        await Eventually.TrueAsync(() => Lines(host).Count == 1, "one line is logged");
        Lines(host)[0].ShouldStartWith("GET /fault 500 in ");
        Lines(host)[0].ShouldContain($"error {response.Headers.GetValues(CityHeaders.ErrorId).Single()}");
    }

    [Fact]
    public async Task A_token_in_the_query_reaches_neither_log_nor_spans()
    {
        await using var collector = await Collector.StartAsync();
        string token;
        await using (var host = await StartAsync(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        }))
        {
            token = host.Tokens.Issue();
            using var response = await host.SendAsync(HttpMethod.Get, $"/ws?access_token={token}");
            response.IsSuccessStatusCode.ShouldBeTrue();
            using var refused = await host.SendAsync(HttpMethod.Get, $"/nowhere?access_token={token}");
            await host.Client.GetAsync("/health/live");
            await Eventually.TrueAsync(() => Lines(host).Count >= 2, "the requests are logged");
            host.Log.Lines.ShouldAllBe(line => !line.Message.Contains(token, StringComparison.Ordinal));
            await host.StopAsync();
        }

        // Stopping flushes what was collected.
        collector.Received("/v1/traces").ShouldContain("GET /ws");
        // The tests' own client is in this process too; its spans are called GET alone.
        collector.Received("/v1/traces").ShouldNotContain("GET /health");
        collector.Received("/v1/metrics").ShouldContain("http.server.request.duration");
        collector.Received("/v1/logs").ShouldContain("CityPulse.Requests");
        foreach (var path in (string[])["/v1/traces", "/v1/metrics", "/v1/logs"])
        {
            collector.Received(path).ShouldNotContain(token[^40..]);
        }
    }

    [Fact]
    public async Task Metrics_are_prometheus_text_on_the_internal_port()
    {
        await using var host = await StartAsync(new() { ["INTERNAL_HTTP_PORT"] = "0" });
        using var ok = await host.SendAsync(HttpMethod.Get, "/things/7", role: Role.User);
        using var away = await host.SendAsync(HttpMethod.Get, "/away");
        using var fault = await host.SendAsync(HttpMethod.Get, "/fault");
        using var health = await host.SendAsync(HttpMethod.Get, "/health/live");
        using var inside = host.CreateClient(1);
        var text = "";
        await Eventually.TrueAsync(
            async () => (text = await inside.GetStringAsync("/metrics")).Contains("http_route=\"/fault\"", StringComparison.Ordinal),
            "the requests are counted");
        text.ShouldContain("http_server_request_duration_seconds_count");
        text.ShouldContain("http_route=\"/things/{id}\"");
        TypesOfFaults(text, "/things/{id}").ShouldBe([""]);
        TypesOfFaults(text, "/away").ShouldBe(["503"]);
        TypesOfFaults(text, "/fault").ShouldBe(["500"]);
        text.ShouldContain("kestrel_active_connections");
        text.ShouldContain("citypulse_http_errors");
        text.ShouldContain("dotnet_process_memory_working_set");
        text.Split('\n').ShouldNotContain(l => l.StartsWith("http_server_request_duration", StringComparison.Ordinal) && l.Contains("/health"));
    }

    [Fact]
    public async Task What_services_ask_one_another_is_no_line_unless_it_was_refused()
    {
        await using var host = await StartAsync(new() { ["INTERNAL_HTTP_PORT"] = "0" });
        using var inside = host.CreateClient(1);
        (await inside.GetAsync("/metrics")).EnsureSuccessStatusCode().Dispose();
        using var missing = await inside.GetAsync("/internal/nothing");

        await Eventually.TrueAsync(() => Lines(host).Count > 0, "the refusal is logged");
        Lines(host).ShouldHaveSingleItem().ShouldStartWith("GET /internal/nothing 40");
    }

    private static IEnumerable<string> TypesOfFaults(string metrics, string route) => metrics.Split('\n')
        .Where(l => l.StartsWith("http_server_request_duration_seconds_count{", StringComparison.Ordinal) && l.Contains($"http_route=\"{route}\"", StringComparison.Ordinal))
        .Select(l => Regex.Match(l, "error_type=\"([^\"]*)\"").Groups[1].Value);

    private static List<string> Lines(DefaultsHost host) =>
        [.. host.Log.Lines.Where(l => l.Category == "CityPulse.Requests" && l.Level > LogLevel.Debug).Select(l => l.Message)];

    /// <summary>Takes in what OTLP exporters send, as it is.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly ConcurrentDictionary<string, string> _received = new();

        private Collector(WebApplication app) => _app = app;

        public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrel().UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            var collector = new Collector(app);
            app.Run(collector.TakeAsync);
            await app.StartAsync();
            return collector;
        }

        public string Received(string path) => _received.GetValueOrDefault(path, "");

        private async Task TakeAsync(HttpContext context)
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var text = Encoding.Latin1.GetString(body.ToArray());
            _received.AddOrUpdate(context.Request.Path, text, (_, before) => before + text);
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
