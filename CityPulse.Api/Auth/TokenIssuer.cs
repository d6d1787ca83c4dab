using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CityPulse.Api.Auth;

/// <summary>A person as an active member of one organisation.</summary>
internal sealed record Member(Guid UserId, string Email, string DisplayName, Role Role, Guid OrganizationId, string OrganizationName);

/// <summary>Signs access tokens.</summary>
internal sealed class TokenIssuer(KeyRing keys, IOptions<AuthOptions> options, IOptions<AccessTokenOptions> access, TimeProvider time)
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    public int ExpiresInSeconds => (int)options.Value.AccessTokenLifetime.TotalSeconds;

    public async ValueTask<string> IssueAsync(Member member, Guid familyId, string? frontend, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var claims = new Dictionary<string, object>
        {
            [CityClaims.Subject] = member.UserId.ToString(),
            [CityClaims.Organization] = member.OrganizationId.ToString(),
            [CityClaims.Role] = member.Role.ToString(),
            [CityClaims.Family] = familyId.ToString(),
            [CityClaims.TokenId] = Guid.CreateVersion7(now).ToString(),
        };
        if (frontend is not null)
        {
            claims[CityClaims.Frontend] = frontend;
        }

        return Handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = access.Value.Issuer,
            Audience = access.Value.Audience,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = now.UtcDateTime + options.Value.AccessTokenLifetime,
            Claims = claims,
            SigningCredentials = await keys.GetSigningAsync(cancellationToken),
        });
    }
}
