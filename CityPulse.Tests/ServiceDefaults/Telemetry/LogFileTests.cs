using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Telemetry;

public sealed class LogFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("citypulse-logs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task All_of_the_log_goes_to_one_file_and_its_errors_to_another_with_the_trace_they_belong_to()
    {
        await using (var host = await StartAsync(new() { ["Logs:Folder"] = _folder }))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/fault?secret=1");
            request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            using var fault = await host.Client.SendAsync(request);
            using var good = await host.SendAsync(HttpMethod.Get, "/things/7", role: Role.User);
            await host.StopAsync();
        }

        var all = Lines("defaults-2");
        all.Where(l => l.GetProperty("SourceContext").GetString() == "CityPulse.Requests").Select(l => l.GetProperty("Route").GetString()).ShouldBe(["/fault", "/things/{id}"]);
        all.ShouldAllBe(l => !l.ToString().Contains("secret"));
        var error = Lines("defaults-errors-").ShouldHaveSingleItem();
        error.GetProperty("@l").GetString().ShouldBe("Error");
        error.GetProperty("@x").GetString()!.ShouldContain("InvalidOperationException: broken");
        error.GetProperty("@tr").GetString().ShouldBe("0af7651916cd43dd8448eb211c80319c");
    }

    [Fact]
    public async Task Without_a_folder_there_are_no_files_and_a_wrong_setting_stops_the_start()
    {
        await using (await StartAsync([]))
        {
            Directory.GetFiles(_folder).ShouldBeEmpty();
        }

        var refused = await Should.ThrowAsync<OptionsValidationException>(() => StartAsync(new() { ["Logs:Folder"] = _folder, ["Logs:KeepDays"] = "0" }));
        refused.Message.ShouldContain("Logs:KeepDays must be from 1 to 3650.");
    }

    private static Task<DefaultsHost> StartAsync(Dictionary<string, string?> settings) => DefaultsHost.StartAsync(
        app =>
        {
            app.MapGet("/things/{id}", (string id) => id).RequirePermission(Permission.ReadCity);
            app.MapGet("/fault", object () => throw new InvalidOperationException("broken")).AllowAnonymous();
        },
        settings: settings);

    private List<JsonElement> Lines(string prefix) =>
        [.. File.ReadLines(Directory.GetFiles(_folder, $"{prefix}*.jsonl").ShouldHaveSingleItem()).Select(line => JsonElement.Parse(line))];
}
