using System.Buffers.Text;
using System.Security.Cryptography;
using CityPulse.Api.Auth.Domain;
using CityPulse.Contracts;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Auth;

/// <summary>A session as it was just stored: the only moment at which the refresh token itself is known.</summary>
internal sealed record OpenSession(Member Member, Guid FamilyId, string? Frontend, string RefreshToken, DateTimeOffset RefreshExpiresAt);

/// <summary>Whose a refresh token is.</summary>
internal sealed record TokenOwner(Guid FamilyId, Guid UserId, Guid OrganizationId);

/// <summary>What a sign-in with a password changes about the user besides opening the session.</summary>
internal sealed record PasswordProof(string? NewHash);

/// <summary>Refresh-token families. Each step is one statement, so that neither races nor crashes leave half of it.</summary>
internal sealed class Sessions(NpgsqlDataSource source, RevocationNews news, IOptions<AuthOptions> options, TimeProvider time)
{
    private const int TokenBytes = 32;

    /// <summary>
    /// Opens a session; null when the account was locked while its password was being checked, or the membership has ended. It
    /// holds the membership's row: whoever disables it comes before, or after and finds the session.
    /// </summary>
    public async Task<OpenSession?> StartAsync(Member member, string? frontend, PasswordProof? proof, CancellationToken cancellationToken)
    {
        const string sql = """
            with opened as (
                select u.id from memberships m join users u on u.id = m.user_id
                where m.user_id = @user and m.organization_id = @organization and m.disabled_at is null
                  and (not @by_password or u.lockout_end is null or u.lockout_end <= @now)
                for share of m),
            forgiven as (
                update users set access_failed_count = 0, lockout_end = null, password_hash = coalesce(@new_hash, password_hash)
                from opened
                where users.id = opened.id and @by_password and (access_failed_count > 0 or @new_hash is not null)),
            family as (
                insert into token_families (id, user_id, organization_id, frontend, created_at, expires_at)
                select @family, id, @organization, @frontend, @now, @family_expires from opened
                returning id)
            insert into refresh_tokens (hash, family_id, issued_at, expires_at)
            select @hash, id, @now, @token_expires from family
            """;
        var now = time.GetUtcNow();
        var familyExpires = now + options.Value.SessionLifetime;
        var tokenExpires = RefreshRotation.ExpiryOf(now, options.Value.RefreshTokenLifetime, familyExpires);
        var family = Guid.CreateVersion7(now);
        var token = NewToken();
        await using var command = source.CreateCommand(sql);
        var p = command.Parameters;
        p.AddWithValue("user", member.UserId);
        p.AddWithValue("organization", member.OrganizationId);
        p.AddWithValue("by_password", proof is not null);
        p.Add(new("new_hash", NpgsqlDbType.Text) { Value = (object?)proof?.NewHash ?? DBNull.Value });
        p.AddWithValue("family", family);
        p.Add(new("frontend", NpgsqlDbType.Text) { Value = (object?)frontend ?? DBNull.Value });
        p.AddWithValue("now", now);
        p.AddWithValue("family_expires", familyExpires);
        p.AddWithValue("token_expires", tokenExpires);
        p.AddWithValue("hash", SHA256.HashData(token));
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1
            ? new OpenSession(member, family, frontend, Base64Url.EncodeToString(token), tokenExpires)
            : null;
    }

    /// <summary>Spends a refresh token. The session is null unless the outcome is <see cref="RefreshOutcome.Rotate"/>.</summary>
    /// <param name="frontend">The frontend that the request names: a family of another one is left as it is.</param>
    public async Task<(RefreshOutcome Outcome, OpenSession? Session, TokenOwner? Owner)> RefreshAsync(
        string? token, string? frontend, CancellationToken cancellationToken)
    {
        if (HashOf(token) is not { } hash)
        {
            return (RefreshOutcome.Refuse, null, null);
        }

        while (true)
        {
            var now = time.GetUtcNow();
            var stored = await FindAsync(hash, frontend, cancellationToken);
            var outcome = RefreshRotation.Decide(RefreshRotation.StateOf(stored?.Facts, now));
            if (outcome == RefreshOutcome.RevokeFamily)
            {
                await RevokeAsync(stored!.Owner.FamilyId, "reuse", cancellationToken);
            }

            if (outcome != RefreshOutcome.Rotate)
            {
                return (outcome, null, stored?.Owner);
            }

            if (await RotateAsync(hash, stored!, now, cancellationToken) is { } session)
            {
                return (outcome, session, stored!.Owner);
            }

            // Another request was quicker between the look and the step: look again, and decide on what is there now.
        }
    }

    public async Task RevokeAsync(Guid familyId, string because, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "update token_families set revoked_at = $2, revoked_because = $3 where id = $1 and revoked_at is null");
        command.Parameters.AddWithValue(familyId);
        command.Parameters.AddWithValue(time.GetUtcNow());
        command.Parameters.AddWithValue(because);
        if (await command.ExecuteNonQueryAsync(cancellationToken) > 0)
        {
            await news.TellAsync();
        }
    }

    /// <summary>Whose a refresh token is, spent or not; null when it was never issued.</summary>
    public async Task<TokenOwner?> OwnerOfAsync(string? token, CancellationToken cancellationToken) =>
        HashOf(token) is { } hash ? (await FindAsync(hash, null, cancellationToken))?.Owner : null;

    private sealed record Stored(RefreshFacts Facts, TokenOwner Owner, string? Frontend, Member? Member);

    private async Task<Stored?> FindAsync(byte[] hash, string? frontend, CancellationToken cancellationToken)
    {
        const string sql = """
            select t.expires_at, t.spent_at, f.expires_at, f.revoked_at, f.id, f.frontend,
                   u.id, u.email, coalesce(m.display_name, u.display_name), m.role, o.id, o.name
            from refresh_tokens t
            join token_families f on f.id = t.family_id
            join users u on u.id = f.user_id
            join organizations o on o.id = f.organization_id
            left join memberships m on m.user_id = f.user_id and m.organization_id = f.organization_id and m.disabled_at is null
            where t.hash = $1
            """;
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddWithValue(hash);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
        {
            return null;
        }

        var member = row.IsDBNull(9)
            ? null
            : new Member(row.GetGuid(6), row.GetString(7), row.GetString(8), Enum.Parse<Role>(row.GetString(9)), row.GetGuid(10), row.GetString(11));
        var issuedTo = row.IsDBNull(5) ? null : row.GetString(5);
        return new Stored(
            new RefreshFacts(
                row.GetFieldValue<DateTimeOffset>(0),
                Time(1),
                row.GetFieldValue<DateTimeOffset>(2),
                Time(3),
                IsMember: member is not null,
                IsOtherFrontend: frontend is not null && issuedTo is not null && frontend != issuedTo),
            new TokenOwner(row.GetGuid(4), row.GetGuid(6), row.GetGuid(10)),
            issuedTo,
            member);

        DateTimeOffset? Time(int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
    }

    private async Task<OpenSession?> RotateAsync(byte[] hash, Stored stored, DateTimeOffset now, CancellationToken cancellationToken)
    {
        const string sql = """
            with spent as (
                update refresh_tokens t set spent_at = $3
                from token_families f
                where t.hash = $1 and t.spent_at is null and f.id = t.family_id and f.revoked_at is null
                returning t.family_id)
            insert into refresh_tokens (hash, family_id, issued_at, expires_at)
            select $2, family_id, $3, $4 from spent
            """;
        var token = NewToken();
        var expires = RefreshRotation.ExpiryOf(now, options.Value.RefreshTokenLifetime, stored.Facts.FamilyExpiresAt);
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddWithValue(hash);
        command.Parameters.AddWithValue(SHA256.HashData(token));
        command.Parameters.AddWithValue(now);
        command.Parameters.AddWithValue(expires);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1
            ? new OpenSession(stored.Member!, stored.Owner.FamilyId, stored.Frontend, Base64Url.EncodeToString(token), expires)
            : null;
    }

    private static byte[] NewToken() => RandomNumberGenerator.GetBytes(TokenBytes);

    private static byte[]? HashOf(string? token)
    {
        Span<byte> bytes = stackalloc byte[TokenBytes];
        return token is { Length: 43 } && Base64Url.TryDecodeFromChars(token, bytes, out var written) && written == TokenBytes
            ? SHA256.HashData(bytes)
            : null;
    }
}
