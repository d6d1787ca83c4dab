using System.IO.Compression;
using System.Net;
using CityPulse.ServiceDefaults.Compression.Domain;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Encoding = CityPulse.ServiceDefaults.Compression.Domain.Encoding;

namespace CityPulse.Tests.ServiceDefaults.Compression;

public sealed class CompressionTests : IAsyncLifetime
{
    private readonly TaskCompletionSource _more = new();
    private DefaultsHost _host = null!;

    public sealed record Named(string Name);

    private static async IAsyncEnumerable<string> BrokenAsync()
    {
        for (var i = 0; i < 10_000; i++)
        {
            yield return $"item {i}";
        }

        await Task.Yield();
        throw new InvalidOperationException("broken off");
    }

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(app =>
    {
        var open = app.MapGroup("").AllowAnonymous();
        open.MapGet("/json/{length:int}", (int length) => new { text = new string('a', length) });
        open.MapGet("/text/{length:int}", (int length) => new string('a', length));
        open.MapGet("/image", () => Results.Bytes(new byte[5000], "image/png"));
        open.MapGet("/secret", (HttpResponse response) =>
        {
            response.Headers.CacheControl = "no-store";
            return new { text = new string('a', 5000) };
        });
        open.MapGet("/tagged", (HttpRequest request, HttpResponse response) =>
        {
            response.Headers.ETag = "\"7\"";
            return request.Headers.IfNoneMatch == "\"7\"" ? Results.StatusCode(304) : Results.Text(new string('a', 5000), "application/json");
        });
        open.MapPut("/tagged", (HttpRequest request) => request.Headers.IfMatch.ToString());
        open.MapGet("/stream", async (HttpResponse response) =>
        {
            response.ContentType = "application/x-ndjson";
            await response.WriteAsync("{\"a\":1}\n");
            await response.Body.FlushAsync();
            await _more.Task;
            await response.WriteAsync(new string('b', 5000));
        });
        open.MapGet("/chunks", async (HttpResponse response) =>
        {
            response.ContentType = "text/plain";
            for (var i = 0; i < 100; i++)
            {
                await response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"line {i} of a text that is written in pieces\n"));
            }
        });
        open.MapGet("/fault", (HttpResponse response) =>
        {
            response.ContentType = "text/plain";
            return WriteAndFailAsync(response);
        });
        open.MapGet("/broken", BrokenAsync);
        open.MapPost("/names", (Named named) => named.Name);
        open.MapGet("/empty", () => Results.NoContent());
    });

    private static async Task WriteAndFailAsync(HttpResponse response)
    {
        await response.Body.WriteAsync("half an answer"u8.ToArray());
        throw new InvalidOperationException();
    }

    public ValueTask DisposeAsync()
    {
        _more.TrySetResult();
        return _host.DisposeAsync();
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string? accept = "gzip, deflate, br", HttpMethod? method = null, params (string, string)[] headers)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        foreach (var (name, value) in headers.Append(("Accept-Encoding", accept!)).Where(h => h.Item2 is not null))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await _host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static async Task<string> TextAsync(HttpResponseMessage response)
    {
        await using var stream = await response.Content.ReadAsStreamAsync();
        await using Stream plain = response.Content.Headers.ContentEncoding.SingleOrDefault() switch
        {
            "br" => new BrotliStream(stream, CompressionMode.Decompress),
            "gzip" => new GZipStream(stream, CompressionMode.Decompress),
            _ => stream,
        };
        return await new StreamReader(plain).ReadToEndAsync();
    }

    [Theory]
    [InlineData("/json/5000", "gzip", "gzip")]
    [InlineData("/json/5000", "br", "br")]
    [InlineData("/json/5000", "gzip, br", "br")]
    [InlineData("/json/5000", "gzip, br;q=0.5", "gzip")]
    [InlineData("/json/5000", "*", "br")]
    [InlineData("/json/5000", "identity", null)]
    [InlineData("/json/5000", "gzip;q=0", null)]
    [InlineData("/json/5000", null, null)]
    [InlineData("/text/5000", "gzip", "gzip")]
    [InlineData("/text/1024", "gzip", null)]
    [InlineData("/text/1025", "gzip", "gzip")]
    [InlineData("/json/20", "gzip", null)]
    [InlineData("/json/200000", "gzip", "gzip")]
    [InlineData("/chunks", "gzip", "gzip")]
    [InlineData("/image", "gzip", null)]
    [InlineData("/secret", "gzip", null)]
    [InlineData("/empty", "gzip", null)]
    public async Task Text_above_a_kilobyte_is_compressed_as_the_client_likes(string path, string? accept, string? encoding)
    {
        using var plain = await GetAsync(path, accept: null);
        using var response = await GetAsync(path, accept);
        response.Content.Headers.ContentEncoding.SingleOrDefault().ShouldBe(encoding);
        (await TextAsync(response)).ShouldBe(await TextAsync(plain));
        if (encoding is not null)
        {
            response.Headers.Vary.ShouldContain("Accept-Encoding");
            (response.Content.Headers.ContentLength ?? 0).ShouldBe(0);
        }
    }

    [Fact]
    public async Task A_compressed_answer_has_a_tag_of_its_own_that_still_works()
    {
        using var plain = await GetAsync("/tagged", accept: null);
        plain.Headers.ETag!.ToString().ShouldBe("\"7\"");
        using var compressed = await GetAsync("/tagged", "gzip");
        compressed.Headers.ETag!.ToString().ShouldBe("\"7-gzip\"");
        using var unchanged = await GetAsync("/tagged", "gzip", null, ("If-None-Match", "\"7-gzip\""));
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        unchanged.Headers.ETag!.ToString().ShouldBe("\"7-gzip\"");
        using var plainUnchanged = await GetAsync("/tagged", "gzip", null, ("If-None-Match", "\"7\""));
        plainUnchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        plainUnchanged.Headers.ETag!.ToString().ShouldBe("\"7\"");
        using var write = await GetAsync("/tagged", "gzip", HttpMethod.Put, ("If-Match", "\"7-br\""));
        (await TextAsync(write)).ShouldBe("\"7\"");
    }

    [Fact]
    public async Task A_stream_that_flushes_early_is_not_held_back()
    {
        using var response = await GetAsync("/stream");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe("{\"a\":1}");
        _more.SetResult();
        (await reader.ReadToEndAsync()).Length.ShouldBe(5000);
    }

    [Fact]
    public async Task A_fault_leaves_nothing_of_the_answer_before_it()
    {
        using var response = await GetAsync("/fault");
        await response.ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_does_not_look_whole()
    {
        using var response = await GetAsync("/broken");
        response.Content.Headers.ContentEncoding.ShouldBe(["br"]);
        await Should.ThrowAsync<HttpRequestException>(() => response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("gzip", HttpStatusCode.OK)]
    [InlineData("br", HttpStatusCode.OK)]
    [InlineData("identity", HttpStatusCode.OK)]
    [InlineData("zstd", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("gzip, gzip", HttpStatusCode.UnsupportedMediaType)]
    public async Task A_compressed_body_is_unpacked_or_refused(string encoding, HttpStatusCode status)
    {
        using var packed = new MemoryStream();
        await using (Stream? packer = encoding switch
        {
            "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => null,
        })
        {
            await (packer ?? packed).WriteAsync("{\"name\":\"hall\"}"u8.ToArray());
        }

        using var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentType = new("application/json");
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        using var response = await _host.SendAsync(HttpMethod.Post, "/names", content);
        response.StatusCode.ShouldBe(status);
        if (status == HttpStatusCode.OK)
        {
            (await response.Content.ReadAsStringAsync()).ShouldBe("hall");
        }
    }

    [Fact]
    public async Task A_body_that_is_not_what_it_says_is_400()
    {
        using var content = new StringContent("{\"name\":\"hall\"}", System.Text.Encoding.UTF8, "application/json");
        content.Headers.ContentEncoding.Add("gzip");
        using var response = await _host.SendAsync(HttpMethod.Post, "/names", content);
        await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("\"7\"", Encoding.Gzip, "\"7-gzip\"")]
    [InlineData("\"7\"", Encoding.Brotli, "\"7-br\"")]
    [InlineData("W/\"7\"", Encoding.Brotli, "W/\"7\"")]
    [InlineData("\"7\"", Encoding.Identity, "\"7\"")]
    internal void Only_strong_tags_change(string tag, Encoding encoding, string expected) => EncodedTag.Add(tag, encoding).ShouldBe(expected);
}
