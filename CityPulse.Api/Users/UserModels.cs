using CityPulse.Api.Http;
using CityPulse.Contracts;

namespace CityPulse.Api.Users;

/// <summary>An invitation. All members are required.</summary>
public sealed record UserRequest
{
    public string? Email { get; init; }
    /// <summary>What the organisation calls the person.</summary>
    public string? DisplayName { get; init; }
    public Role? Role { get; init; }
    /// <summary>The password of a new account. A person who has an account already keeps the password that it has.</summary>
    public string? Password { get; init; }

    // No log line can ever hold the password.
    public override string ToString() => nameof(UserRequest);
}

/// <summary>What an administrator may change of a member (JSON merge patch).</summary>
public sealed record UserChangeRequest
{
    public Role? Role { get; init; }
    /// <summary>True: the person cannot sign in to this organisation, and their sessions in it end.</summary>
    public bool? Disabled { get; init; }
    public string? DisplayName { get; init; }
}

/// <summary>A person as a member of the caller's organisation.</summary>
internal sealed record UserResponse(
    Guid Id, string Email, string DisplayName, Role Role, bool Disabled, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version);

/// <summary>A member's row, and what clients see of it.</summary>
internal sealed record MemberRow(Guid MembershipId, UserResponse User)
{
    /// <summary>By the membership, not the person: who left and came back is another one at version 1.</summary>
    public string ETag() => ETags.Of(MembershipId, User.Version);
}
