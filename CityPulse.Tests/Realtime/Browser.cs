using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Realtime;

/// <summary>A page in Chromium without a window, by way of its DevTools protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Programs = ["chromium", "chromium-browser", "google-chrome"];
    private readonly string _profile = Directory.CreateTempSubdirectory("citypulse-browser-").FullName;
    private readonly ClientWebSocket _tools = new();
    private readonly byte[] _buffer = new byte[1 << 20];
    private Process? _process;
    private int _calls;

    private Browser()
    {
    }

    /// <summary>Skips the test, and says so, where there is no Chromium.</summary>
    public static async Task<Browser> OpenAsync(Uri page)
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => Programs.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, "There is no Chromium here.");
        var browser = new Browser();
        try
        {
            await browser.StartAsync(program!, page);
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>What an expression of JavaScript is, as text.</summary>
    public async Task<string?> EvaluateAsync(string expression)
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        var id = ++_calls;
        var call = JsonSerializer.SerializeToUtf8Bytes(new { id, method = "Runtime.evaluate", @params = new { expression, returnByValue = true } });
        await _tools.SendAsync(call.AsMemory(), WebSocketMessageType.Text, true, deadline.Token);
        while (true)
        {
            var read = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _tools.ReceiveAsync(_buffer.AsMemory(read), deadline.Token);
                read += part.Count;
            }
            while (!part.EndOfMessage);
            var answer = JsonElement.Parse(_buffer.AsSpan(0, read));
            if (answer.TryGetProperty("id", out var answered) && answered.GetInt32() == id)
            {
                var result = answer.GetProperty("result");
                result.TryGetProperty("exceptionDetails", out _).ShouldBeFalse(Encoding.UTF8.GetString(_buffer, 0, read));
                return result.GetProperty("result").TryGetProperty("value", out var value) ? value.ToString() : null;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _tools.Dispose();
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_profile, recursive: true);
    }

    private async Task StartAsync(string program, Uri page)
    {
        _process = Process.Start(new ProcessStartInfo(
            program, ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", $"--user-data-dir={_profile}", page.ToString()])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        string? line;
        do
        {
            line = await _process.StandardError.ReadLineAsync(deadline.Token);
            line.ShouldNotBeNull("Chromium ended at once");
        }
        while (!line.StartsWith("DevTools listening on ", StringComparison.Ordinal));
        // What else it says is of no interest, but must be taken.
        _ = _process.StandardError.ReadToEndAsync(CancellationToken.None);
        _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);

        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{new Uri(line.Split(' ')[^1]).Port}") };
        Uri? tools = null;
        await Eventually.TrueAsync(
            async () => (tools = (await client.GetFromJsonAsync<JsonElement>("/json/list", deadline.Token)).EnumerateArray()
                .Where(t => t.GetProperty("url").GetString() == page.ToString()).Select(t => new Uri(t.GetProperty("webSocketDebuggerUrl").GetString()!)).FirstOrDefault()) is not null,
            "the page is open");
        await _tools.ConnectAsync(tools!, deadline.Token);
        // Before it comes to the page, a browser shows an empty one, which is complete as well.
        await Eventually.TrueAsync(async () => await EvaluateAsync("location.href + document.readyState") == $"{page}complete", "the page is loaded");
    }
}
