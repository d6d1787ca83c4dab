using System.Text;
using CityPulse.ServiceDefaults.Telemetry;
using CityPulse.Tests.Support;
using Microsoft.Extensions.Logging;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Telemetry;

public sealed class ConsoleLinesTests
{
    [Fact]
    public async Task Every_line_of_many_threads_is_written_once_and_whole()
    {
        var output = new Output();
        using (var console = new ConsoleLines(TimeProvider.System, output))
        {
            var logger = console.CreateLogger("Test");
            await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
            {
                for (var line = 0; line < 500; line++)
                {
                    logger.LogInformation("{Thread}-{Line}", thread, line);
                }
            })));
        }

        output.Messages.Order().ShouldBe(Enumerable.Range(0, 8).SelectMany(t => Enumerable.Range(0, 500).Select(l => $"{t}-{l}")).Order());
        output.Writes.ShouldBeLessThan(4000);
    }

    [Fact]
    public async Task A_line_is_seen_without_another_after_it()
    {
        var output = new Output();
        using var console = new ConsoleLines(TimeProvider.System, output);
        console.CreateLogger("Test").LogInformation("alone");
        await Eventually.TrueAsync(() => output.Messages is ["alone"], "the line is written");
        console.CreateLogger("Test").LogError("bad");
        await Eventually.TrueAsync(() => output.Messages is ["alone", "bad"], "the error is written");
    }

    [Fact]
    public async Task Who_logs_faster_than_the_console_takes_waits_and_loses_nothing()
    {
        var output = new Output();
        var text = new string('x', 100_000);
        using (var console = new ConsoleLines(TimeProvider.System, output))
        {
            var logger = console.CreateLogger("Test");
            output.Blocked.Reset();
            var logging = Task.Run(() =>
            {
                for (var line = 0; line < 200; line++)
                {
                    logger.LogInformation("{Text}", text);
                }
            });
            (await Task.WhenAny(logging, output.Stuck.Task)).ShouldBe(output.Stuck.Task);
            output.Blocked.Set();
            await logging;
        }

        output.Messages.Count.ShouldBe(200);
    }

    [Fact]
    public void A_console_that_nobody_reads_stops_nothing() => Should.NotThrow(() =>
    {
        using var console = new ConsoleLines(TimeProvider.System, new Output { IsBroken = true });
        for (var line = 0; line < 100; line++)
        {
            console.CreateLogger("Test").LogError("{Line}", line);
        }
    });

    private sealed class Output : MemoryStream
    {
        public ManualResetEventSlim Blocked { get; } = new(initialState: true);
        public TaskCompletionSource Stuck { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public bool IsBroken { get; init; }
        public int Writes { get; private set; }

        public List<string> Messages
        {
            get
            {
                lock (this)
                {
                    return [.. Encoding.UTF8.GetString(ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                        .Select(l => System.Text.Json.JsonElement.Parse(l).GetProperty("Message").GetString()!)];
                }
            }
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (IsBroken)
            {
                throw new IOException("Broken pipe");
            }

            if (!Blocked.IsSet)
            {
                Stuck.TrySetResult();
                Blocked.Wait();
            }

            lock (this)
            {
                Writes++;
                base.Write(buffer);
            }
        }

        protected override void Dispose(bool disposing)
        {
            Blocked.Dispose();
            base.Dispose(disposing);
        }
    }
}
