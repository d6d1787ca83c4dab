using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CityPulse.Tests.Api.Alerts.Channels;

/// <summary>As much of an SMTP server (RFC 5321) as takes one message after the other, in the clear.</summary>
internal sealed class MailDrop : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _answerToRecipient;
    private readonly Task _serving;

    public MailDrop(string answerToRecipient = "250 OK")
    {
        _answerToRecipient = answerToRecipient;
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Every line that a client sent.</summary>
    public List<string> Lines { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                await TalkAsync(client.GetStream());
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private async Task TalkAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        await using var writer = new StreamWriter(stream, new UTF8Encoding(false)) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 drop.example.org ESMTP");
        var inMessage = false;
        while (await reader.ReadLineAsync(_stop.Token) is { } line)
        {
            Lines.Add(line);
            var answer = inMessage
                ? line == "." ? "250 Taken" : null
                : line.Split(' ', ':')[0].ToUpperInvariant() switch
                {
                    "EHLO" => "250 drop.example.org",
                    "RCPT" => _answerToRecipient,
                    "DATA" => "354 Go on",
                    "QUIT" => "221 Bye",
                    _ => "250 OK",
                };
            inMessage = inMessage ? line != "." : line == "DATA";
            if (answer is not null)
            {
                await writer.WriteLineAsync(answer);
            }
        }
    }
}
