using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

/// <summary>Kestrel with a certificate from configuration, as in Production without a proxy.</summary>
public sealed class HttpsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("citypulse-tls-");

    private string _thumbprint = "";

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<DefaultsHost> StartAsync(string environment, Dictionary<string, string?>? more = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        _thumbprint = certificate.Thumbprint;
        var (path, keyPath) = (Path.Combine(_folder.FullName, "tls.crt"), Path.Combine(_folder.FullName, "tls.key"));
        await File.WriteAllTextAsync(path, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyPath, key.ExportPkcs8PrivateKeyPem());
        var settings = new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0;https://127.0.0.1:0",
            ["INTERNAL_HTTP_PORT"] = "0",
            ["Kestrel:Certificates:Default:Path"] = path,
            ["Kestrel:Certificates:Default:KeyPath"] = keyPath,
        };
        foreach (var (name, value) in more ?? [])
        {
            settings[name] = value;
        }

        return await DefaultsHost.StartAsync(
            app => app.MapPost("/api/v1/thing", () => "done").AllowAnonymous(),
            builder => builder.WebHost.ConfigureKestrel((context, kestrel) => kestrel.Configure(context.Configuration.GetSection("Kestrel"))),
            environment,
            settings);
    }

    /// <summary>Trusts the one certificate that the host was given.</summary>
    private HttpClient Trusting(string address) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == _thumbprint },
    }) { BaseAddress = new Uri(address) };

    [Fact]
    public async Task In_production_plain_http_says_where_https_is()
    {
        await using var host = await StartAsync("Production");
        using var plain = await host.Client.PostAsync("/api/v1/thing?a=b", null);
        plain.StatusCode.ShouldBe(HttpStatusCode.TemporaryRedirect);
        plain.Headers.Location!.ToString().ShouldBe($"{host.Addresses.Single(a => a.StartsWith("https", StringComparison.Ordinal))}/api/v1/thing?a=b");
        plain.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();

        using var client = Trusting(host.Addresses.Single(a => a.StartsWith("https", StringComparison.Ordinal)));
        using var answer = await client.PostAsync("/api/v1/thing", null);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.GetValues("Strict-Transport-Security").ShouldHaveSingleItem().ShouldBe("max-age=31536000; includeSubDomains");
        answer.Headers.Contains("Server").ShouldBeFalse();
    }

    [Fact]
    public async Task Probes_and_the_internal_port_stay_plain()
    {
        await using var host = await StartAsync("Production");
        (await host.Client.GetAsync("/health/live")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var inside = host.CreateClient(2);
        (await inside.GetAsync("/metrics")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Behind_a_proxy_that_ends_tls_nothing_is_redirected_twice()
    {
        await using var host = await StartAsync("Production", new() { ["urls"] = "http://127.0.0.1:0", ["https_port"] = "443", ["ForwardedHeaders:KnownProxies"] = "127.0.0.1" });
        using var plain = await host.Client.PostAsync("/api/v1/thing", null);
        plain.Headers.Location!.ToString().ShouldBe("https://127.0.0.1/api/v1/thing");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/thing") { Headers = { { "X-Forwarded-Proto", "https" }, { "X-Forwarded-For", "203.0.113.7" } } };
        using var answer = await host.Client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.Contains("Strict-Transport-Security").ShouldBeTrue();
    }

    [Fact]
    public async Task In_development_both_are_served()
    {
        await using var host = await StartAsync("Development");
        (await host.Client.PostAsync("/api/v1/thing", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
