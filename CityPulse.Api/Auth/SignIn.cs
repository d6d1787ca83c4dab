using CityPulse.Api.Auth.Domain;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Auth;

/// <summary>
/// Checks an address and a password. Unknown user, wrong password, locked account and missing membership take the same steps:
/// one look-up, one hash, one count, so that neither the answer nor its time tells them apart.
/// </summary>
internal sealed class SignIn(
    NpgsqlDataSource source, IPasswordHasher<User> hasher, ILookupNormalizer normalizer, IOptions<AuthOptions> options, TimeProvider time)
{
    private static readonly User Nobody = new() { DisplayName = "" };
    private readonly string _hashOfNobody = hasher.HashPassword(Nobody, Guid.NewGuid().ToString());

    /// <param name="Named">Whose account it is, in the organisation that was asked for; null when there is none.</param>
    /// <param name="Proof">Set when the person may come in.</param>
    /// <param name="Why">For the audit log only: the caller is told one sentence for every reason.</param>
    public sealed record Verdict(Member? Named, PasswordProof? Proof, string? Why);

    private sealed record Candidate(string PasswordHash, bool Locked, Member? Member);

    /// <summary>Whether the person may come in; with the proof comes, where the stored hash is outdated, a new one.</summary>
    public async Task<Verdict> CheckAsync(
        string email, string password, Guid? organizationId, CancellationToken cancellationToken)
    {
        // Postgres takes no NUL in a text, and no address has one. Longer than any password: only the hash's time would be wasted.
        email = email.Replace('\0', ' ');
        password = password.Length > 4 * PasswordPolicy.MaximumLength ? "" : PasswordPolicy.Prepare(password);
        var normalized = normalizer.NormalizeEmail(email);
        var candidate = await FindAsync(normalized, organizationId, cancellationToken);
        var verdict = hasher.VerifyHashedPassword(Nobody, candidate?.PasswordHash ?? _hashOfNobody, password);
        if (candidate is { Locked: false, Member: { } member } && verdict != PasswordVerificationResult.Failed)
        {
            return new(member, new PasswordProof(
                verdict == PasswordVerificationResult.SuccessRehashNeeded ? hasher.HashPassword(Nobody, password) : null), null);
        }

        await CountFailureAsync(normalized, wrongPassword: verdict == PasswordVerificationResult.Failed, cancellationToken);
        return new(candidate?.Member, null, candidate is { Locked: true } ? "The account is locked." : "The password is wrong.");
    }

    private async Task<Candidate?> FindAsync(string email, Guid? organizationId, CancellationToken cancellationToken)
    {
        const string sql = """
            select u.password_hash, coalesce(u.lockout_end > @now, false), u.id, u.email, coalesce(m.display_name, u.display_name), m.role, o.id, o.name
            from users u
            left join lateral (
                select organization_id, role, display_name from memberships
                where user_id = u.id and disabled_at is null and (@organization is null or organization_id = @organization)
                order by created_at, id
                limit 1) m on true
            left join organizations o on o.id = m.organization_id
            where u.normalized_email = @email
            """;
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddWithValue("email", email);
        command.Parameters.AddWithValue("now", time.GetUtcNow());
        command.Parameters.Add(new("organization", NpgsqlDbType.Uuid) { Value = (object?)organizationId ?? DBNull.Value });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
        {
            return null;
        }

        var member = row.IsDBNull(5)
            ? null
            : new Member(row.GetGuid(2), row.GetString(3), row.GetString(4), Enum.Parse<Role>(row.GetString(5)), row.GetGuid(6), row.GetString(7));
        return new Candidate(row.GetString(0), row.GetBoolean(1), member);
    }

    // Counted in the database, in one step: guesses in parallel or on other replicas are all counted. Sessions.StartAsync looks at
    // the lock again after the hash, so that a right guess among many parallel wrong ones comes too late.
    // The commit does not wait for the disk: the wait would tell known addresses from unknown ones, for which nothing is written.
    private async Task CountFailureAsync(string email, bool wrongPassword, CancellationToken cancellationToken)
    {
        const string sql = """
            with unhurried as materialized (select set_config('synchronous_commit', 'off', true) as setting)
            update users set
                access_failed_count = case when lockout_end is null then access_failed_count + 1 else 1 end,
                lockout_end = case when lockout_end is null and access_failed_count + 1 >= @limit then @until end
            from unhurried
            where normalized_email = @email and @wrong and (lockout_end is null or lockout_end <= @now) and setting is not null
            """;
        var now = time.GetUtcNow();
        await using var command = source.CreateCommand(sql);
        command.Parameters.AddWithValue("email", email);
        command.Parameters.AddWithValue("wrong", wrongPassword);
        command.Parameters.AddWithValue("limit", options.Value.LockoutAfterFailures);
        command.Parameters.AddWithValue("now", now);
        command.Parameters.AddWithValue("until", now + options.Value.LockoutDuration);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
