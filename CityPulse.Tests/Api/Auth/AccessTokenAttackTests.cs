using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CityPulse.Api.Auth;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class AccessTokenAttackTests(AuthFixture auth) : IClassFixture<AuthFixture>, IAsyncLifetime
{
    private Session _ada = null!;

    public async ValueTask InitializeAsync() => _ada = await auth.RegisterAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_token_says_who_where_and_until_when()
    {
        var token = new JsonWebToken(_ada.AccessToken);
        token.Alg.ShouldBe("ES256");
        token.Issuer.ShouldBe("citypulse");
        token.Audiences.ShouldBe(["citypulse"]);
        (token.ValidTo - token.ValidFrom).ShouldBe(TimeSpan.FromMinutes(15));
        token.Claims.Select(c => c.Type).Order().ShouldBe(["aud", "exp", "fam", "iat", "iss", "jti", "nbf", "org", "role", "sub"]);
        await ShouldOpenAsync(_ada.AccessToken, HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        auth.Time.Advance(TimeSpan.FromMinutes(15) + TimeSpan.FromSeconds(11));
        await ShouldOpenAsync(_ada.AccessToken, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public Task Algorithm_none_is_refused() =>
        ShouldOpenAsync($"{Encode("""{"alg":"none","typ":"JWT"}""")}.{Payload}.", HttpStatusCode.Unauthorized);

    [Fact]
    public async Task An_HMAC_with_the_public_key_is_refused()
    {
        var jwks = await JwksAsync();
        var keys = new List<byte[]> { Encoding.UTF8.GetBytes(jwks.ToString()) };
        using var verifier = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = { X = Base64UrlEncoder.DecodeBytes(Text(jwks, "x")), Y = Base64UrlEncoder.DecodeBytes(Text(jwks, "y")) },
        });
        keys.Add(verifier.ExportSubjectPublicKeyInfo());
        keys.Add(Encoding.ASCII.GetBytes(verifier.ExportSubjectPublicKeyInfoPem()));
        foreach (var key in keys)
        {
            var head = Encode($$"""{"alg":"HS256","typ":"JWT","kid":"{{Text(jwks, "kid")}}"}""");
            var signature = Base64UrlEncoder.Encode(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes($"{head}.{Payload}")));
            await ShouldOpenAsync($"{head}.{Payload}.{signature}", HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task A_changed_payload_is_refused()
    {
        var parts = _ada.AccessToken.Split('.');
        var claims = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(Base64UrlEncoder.Decode(parts[1]))!;
        claims["org"] = JsonSerializer.SerializeToElement(Guid.NewGuid().ToString());
        await ShouldOpenAsync($"{parts[0]}.{Base64UrlEncoder.Encode(JsonSerializer.Serialize(claims))}.{parts[2]}", HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("own")]
    [InlineData("none")]
    public async Task A_signature_of_a_foreign_key_is_refused_whatever_kid_it_names(string kid)
    {
        using var mallory = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = kid switch { "own" => Text(await JwksAsync(), "kid"), "unknown" => "mallory", _ => null };
        await ShouldOpenAsync(Forge(new ECDsaSecurityKey(mallory) { KeyId = id }), HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("elsewhere", "citypulse")]
    [InlineData("citypulse", "elsewhere")]
    public async Task A_token_for_others_is_refused_even_when_we_signed_it(string issuer, string audience)
    {
        var own = await auth.Host.Services.GetRequiredService<KeyRing>().GetSigningAsync(TestContext.Current.CancellationToken);
        await ShouldOpenAsync(Forge(own.Key, issuer, audience), HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b.c")]
    [InlineData("....")]
    public Task Nonsense_is_refused(string token) => ShouldOpenAsync(token, HttpStatusCode.Unauthorized);

    [Theory]
    [InlineData("ES384")]
    [InlineData("RS256")]
    [InlineData("es256")]
    [InlineData("NONE")]
    public Task Another_algorithm_is_refused_even_with_our_own_signature(string algorithm)
    {
        var parts = _ada.AccessToken.Split('.');
        var head = Encode($$"""{"alg":"{{algorithm}}","typ":"JWT","kid":"{{new JsonWebToken(_ada.AccessToken).Kid}}"}""");
        return ShouldOpenAsync($"{head}.{parts[1]}.{parts[2]}", HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_that_brings_its_own_key_is_refused()
    {
        using var mallory = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = mallory.ExportParameters(includePrivateParameters: false).Q;
        var jwk = $$"""{"kty":"EC","crv":"P-256","kid":"mallory","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}""";
        foreach (var header in new[]
        {
            $$"""{"alg":"ES256","typ":"JWT","kid":"mallory","jwk":{{jwk}}}""",
            """{"alg":"ES256","typ":"JWT","kid":"mallory","jku":"http://127.0.0.1:1/jwks.json"}""",
        })
        {
            var open = $"{Encode(header)}.{Payload}";
            var signature = mallory.SignData(Encoding.ASCII.GetBytes(open), HashAlgorithmName.SHA256);
            await ShouldOpenAsync($"{open}.{Base64UrlEncoder.Encode(signature)}", HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task In_a_query_or_a_cookie_a_token_opens_nothing()
    {
        using (var query = await auth.SendAsync(HttpMethod.Get, $"me?access_token={_ada.AccessToken}", null))
        {
            await query.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        foreach (var name in new[] { "access_token", "Authorization", "__Secure-citypulse-refresh" })
        {
            using var cookie = await auth.SendAsync(HttpMethod.Get, "me", null, null, ("Cookie", $"{name}={_ada.AccessToken}"));
            await cookie.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task A_token_that_does_not_say_who_where_as_what_and_of_which_session_is_refused()
    {
        var own = await auth.Host.Services.GetRequiredService<KeyRing>().GetSigningAsync(TestContext.Current.CancellationToken);
        foreach (var claim in new[] { "sub", "org", "role", "fam" })
        {
            await ShouldOpenAsync(Forge(own.Key, without: claim), HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task The_key_set_is_public_cacheable_and_holds_no_private_half()
    {
        using var answer = await auth.Client.GetAsync("/.well-known/jwks.json", TestContext.Current.CancellationToken);
        var body = await answer.ReadAsync(HttpStatusCode.OK);
        answer.Headers.CacheControl!.Public.ShouldBeTrue();
        answer.Headers.CacheControl.MaxAge.ShouldNotBeNull();
        var key = body.GetProperty("keys").EnumerateArray().ShouldHaveSingleItem();
        key.EnumerateObject().Select(m => m.Name).ShouldBe(["kty", "use", "alg", "kid", "crv", "x", "y"]);
        Text(key, "kid").ShouldBe(new JsonWebToken(_ada.AccessToken).Kid);
    }

    private string Payload => _ada.AccessToken.Split('.')[1];

    private string Forge(SecurityKey key, string issuer = "citypulse", string audience = "citypulse", string? without = null)
    {
        var now = auth.Time.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddMinutes(5),
            Claims = new JsonWebToken(_ada.AccessToken).Claims
                .Where(c => c.Type is "sub" or "org" or "role" or "fam" or "jti" && c.Type != without).ToDictionary(c => c.Type, c => (object)c.Value),
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256),
        });
    }

    private async Task<JsonElement> JwksAsync()
    {
        using var answer = await auth.Client.GetAsync("/.well-known/jwks.json", TestContext.Current.CancellationToken);
        return (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("keys")[0];
    }

    private async Task ShouldOpenAsync(string token, HttpStatusCode expected)
    {
        using var answer = await auth.SendAsync(HttpMethod.Get, "me", null, null, ("Authorization", $"Bearer {token}"));
        if (expected == HttpStatusCode.OK)
        {
            await answer.ReadAsync(expected);
            return;
        }

        await answer.ReadProblemAsync(expected);
        answer.Headers.WwwAuthenticate.ToString().ShouldStartWith("Bearer");
    }

    private static string Text(JsonElement element, string member) => element.GetProperty(member).GetString()!;

    private static string Encode(string json) => Base64UrlEncoder.Encode(json);
}
