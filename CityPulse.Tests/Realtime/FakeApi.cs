using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CityPulse.Tests.Realtime;

/// <summary>
/// What Realtime needs of Api, small and in the test's hands, over real HTTP: keys, the stream of the outbox, and which
/// buildings and sensors an organisation has.
/// </summary>
internal sealed class FakeApi : IAsyncDisposable
{
    public const string InternalKey = ApiHost.InternalKey;

    private readonly ECDsa _signing = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ConcurrentDictionary<(Guid Organization, Guid Id), bool> _resources = new();
    private readonly Lock _gate = new();
    private readonly List<StreamRecord> _records = [];
    private readonly WebApplication _app;
    private long _last;

    private FakeApi(WebApplication app, int port)
    {
        _app = app;
        Address = new Uri($"http://127.0.0.1:{port}");
    }

    public Uri Address { get; }

    /// <summary>Answers 503 to everything.</summary>
    public bool IsAway { get; set; }

    /// <summary>Token families that have ended.</summary>
    public ConcurrentQueue<Guid> Revoked { get; } = new();

    /// <summary>How often the stream was read.</summary>
    public int StreamReads;

    /// <summary>How often buildings and sensors were asked for.</summary>
    public int ResourceReads;

    public static async Task<FakeApi> StartAsync()
    {
        var port = TestStores.FreePort();
        var builder = WebApplication.CreateSlimBuilder(["--urls", $"http://127.0.0.1:{port}"]);
        builder.Logging.ClearProviders();
        var api = new FakeApi(builder.Build(), port);
        api.Map();
        await api._app.StartAsync();
        return api;
    }

    /// <summary>Gives a record its place, as Api's dispatcher does; whether Redis then carries it is the test's choice.</summary>
    public StreamRecord Append(Guid organizationId, string type, string[] topics, ReadOnlyMemory<byte> data, DateTimeOffset? at = null)
    {
        lock (_gate)
        {
            var record = new StreamRecord(_last + 1, _last, organizationId, at ?? TimeProvider.System.GetUtcNow(), type, topics, data);
            _last = record.Position;
            _records.Add(record);
            return record;
        }
    }

    /// <summary>Forgets history up to a position, as Api does after 15 minutes.</summary>
    public void Prune(long through)
    {
        lock (_gate)
        {
            _records.RemoveAll(record => record.Position <= through);
        }
    }

    public Guid Add(Guid organizationId)
    {
        var id = Guid.CreateVersion7();
        _resources[(organizationId, id)] = true;
        return id;
    }

    public string Token(
        Guid organizationId, Role role = Role.Manager, TimeSpan? lifetime = null, Frontend? frontend = null, ECDsa? signedBy = null, Guid? family = null)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var claims = new Dictionary<string, object>
        {
            [CityClaims.Subject] = Guid.CreateVersion7().ToString(),
            [CityClaims.Organization] = organizationId.ToString(),
            [CityClaims.Role] = role.ToString(),
            [CityClaims.TokenId] = Guid.CreateVersion7().ToString(),
            [CityClaims.Family] = (family ?? Guid.CreateVersion7()).ToString(),
        };
        if (frontend is { } one)
        {
            claims[CityClaims.Frontend] = one.ToString().ToLowerInvariant();
        }

        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "citypulse",
            Audience = "citypulse",
            IssuedAt = now.AddHours(-2),
            NotBefore = now.AddHours(-2),
            Expires = now + (lifetime ?? TimeSpan.FromMinutes(15)),
            Claims = claims,
            SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(signedBy ?? _signing) { KeyId = "test" }, SecurityAlgorithms.EcdsaSha256),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _signing.Dispose();
    }

    private void Map()
    {
        _app.Use((context, next) =>
        {
            if (IsAway)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return Task.CompletedTask;
            }

            return next(context);
        });
        _app.MapGet("/.well-known/jwks.json", () =>
        {
            var point = _signing.ExportParameters(includePrivateParameters: false).Q;
            return new
            {
                keys = new[]
                {
                    new { kty = "EC", crv = "P-256", use = "sig", alg = "ES256", kid = "test", x = Base64UrlEncoder.Encode(point.X), y = Base64UrlEncoder.Encode(point.Y) },
                },
            };
        });
        _app.MapGet("/internal/stream", WriteStreamAsync);
        _app.MapGet("/internal/revocations", () => new { next = 1, ids = Revoked });
        _app.MapPost("/internal/resources", Find);
    }

    private ResourcesResponse Find(ResourcesRequest request)
    {
        Interlocked.Increment(ref ResourceReads);
        return new ResourcesResponse(
            [.. request.Buildings.Where(id => _resources.ContainsKey((request.OrganizationId, id)))],
            [.. request.Sensors.Where(id => _resources.ContainsKey((request.OrganizationId, id)))]);
    }

    private async Task WriteStreamAsync(HttpContext context, long after, int limit, Guid? organizationId)
    {
        Interlocked.Increment(ref StreamReads);
        if (context.Request.Headers[CityHeaders.InternalKey] != InternalKey)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        List<StreamRecord> page;
        lock (_gate)
        {
            var oldest = _records.Count > 0 ? _records[0].Position : 0;
            context.Response.Headers["X-Stream-Oldest"] = oldest.ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["X-Stream-Last"] = _last.ToString(CultureInfo.InvariantCulture);
            page = [.. _records.Where(r => r.Position > after && (organizationId is null || r.OrganizationId == organizationId)).Take(limit)];
        }

        context.Response.ContentType = "application/octet-stream";
        foreach (var record in page)
        {
            var bytes = record.ToBytes();
            var length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            await context.Response.Body.WriteAsync(length);
            await context.Response.Body.WriteAsync(bytes);
        }
    }
}
