using System.Security.Cryptography;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CityPulse.Tests.Support;

/// <summary>An issuer of access tokens for tests, and the keys to judge them with.</summary>
internal sealed class TestTokens : IAccessTokenKeys, IDisposable
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly ECDsa _ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly IReadOnlyList<SecurityKey> _keys;

    public TestTokens(string keyId = "test-key")
    {
        Key = new ECDsaSecurityKey(_ecdsa) { KeyId = keyId };
        _keys = [Key];
    }

    public ECDsaSecurityKey Key { get; }

    public IReadOnlyList<SecurityKey>? Known => _keys;

    public ValueTask<IReadOnlyList<SecurityKey>> GetAsync(bool refresh, CancellationToken cancellationToken) => ValueTask.FromResult(_keys);

    public string Jwks()
    {
        var p = _ecdsa.ExportParameters(includePrivateParameters: false);
        return $$"""{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"{{Key.KeyId}}","x":"{{Base64UrlEncoder.Encode(p.Q.X)}}","y":"{{Base64UrlEncoder.Encode(p.Q.Y)}}"}]}""";
    }

    public string Issue(Role role = Role.Admin, Frontend? frontend = null, Action<SecurityTokenDescriptor>? change = null)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var descriptor = new SecurityTokenDescriptor
        {
            Issuer = "citypulse",
            Audience = "citypulse",
            NotBefore = now.AddMinutes(-1),
            Expires = now.AddMinutes(15),
            SigningCredentials = new SigningCredentials(Key, SecurityAlgorithms.EcdsaSha256),
            Claims = new Dictionary<string, object>
            {
                [CityClaims.Subject] = Guid.CreateVersion7().ToString(),
                [CityClaims.Organization] = Guid.CreateVersion7().ToString(),
                [CityClaims.Role] = role.ToString(),
                [CityClaims.TokenId] = Guid.CreateVersion7().ToString(),
                [CityClaims.Family] = Guid.CreateVersion7().ToString(),
            },
        };
        if (frontend is { } issuedTo)
        {
            descriptor.Claims[CityClaims.Frontend] = FrontendNames.Of(issuedTo);
        }

        change?.Invoke(descriptor);
        return Handler.CreateToken(descriptor);
    }

    public void Dispose() => _ecdsa.Dispose();
}
