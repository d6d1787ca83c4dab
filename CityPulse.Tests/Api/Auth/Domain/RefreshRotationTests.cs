using CityPulse.Api.Auth.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Auth.Domain;

public sealed class RefreshRotationTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly RefreshFacts Fresh = new(
        TokenExpiresAt: Now.AddDays(30), SpentAt: null, FamilyExpiresAt: Now.AddDays(180), FamilyRevokedAt: null, IsMember: true);

    [Fact]
    public void A_token_that_was_never_issued_is_unknown() => RefreshRotation.StateOf(null, Now).ShouldBe(RefreshState.Unknown);

    [Theory]
    [MemberData(nameof(States))]
    public void The_facts_give_the_state(string facts, int expected) =>
        RefreshRotation.StateOf(ByName[facts], Now).ShouldBe((RefreshState)expected);

    [Theory]
    [InlineData(RefreshState.Unknown, RefreshOutcome.Refuse)]
    [InlineData(RefreshState.Fresh, RefreshOutcome.Rotate)]
    [InlineData(RefreshState.SpentRecently, RefreshOutcome.RefuseRace)]
    [InlineData(RefreshState.Spent, RefreshOutcome.RevokeFamily)]
    [InlineData(RefreshState.Expired, RefreshOutcome.Refuse)]
    [InlineData(RefreshState.Revoked, RefreshOutcome.Refuse)]
    [InlineData(RefreshState.OtherFrontend, RefreshOutcome.OtherFrontend)]
    internal void The_state_gives_the_outcome(RefreshState state, RefreshOutcome outcome) => RefreshRotation.Decide(state).ShouldBe(outcome);

    [Fact]
    public void Every_state_has_an_outcome()
    {
        foreach (var state in Enum.GetValues<RefreshState>())
        {
            Should.NotThrow(() => RefreshRotation.Decide(state));
        }
    }

    [Fact]
    public void A_token_slides_but_never_beyond_its_family()
    {
        RefreshRotation.ExpiryOf(Now, TimeSpan.FromDays(30), Now.AddDays(180)).ShouldBe(Now.AddDays(30));
        RefreshRotation.ExpiryOf(Now, TimeSpan.FromDays(30), Now.AddDays(3)).ShouldBe(Now.AddDays(3));
    }

    private static readonly Dictionary<string, RefreshFacts> ByName = new()
    {
        ["fresh"] = Fresh,
        ["expired now"] = Fresh with { TokenExpiresAt = Now },
        ["family expired now"] = Fresh with { FamilyExpiresAt = Now },
        ["family revoked"] = Fresh with { FamilyRevokedAt = Now.AddDays(-1) },
        ["no member any more"] = Fresh with { IsMember = false },
        ["other frontend"] = Fresh with { IsOtherFrontend = true },
        ["spent just now"] = Fresh with { SpentAt = Now },
        ["spent 5 s ago"] = Fresh with { SpentAt = Now.AddSeconds(-5) },
        ["spent by a clock that is ahead"] = Fresh with { SpentAt = Now.AddSeconds(2) },
        ["spent over 5 s ago"] = Fresh with { SpentAt = Now.AddSeconds(-5).AddTicks(-1) },
        ["spent long ago, and expired since"] = Fresh with { SpentAt = Now.AddDays(-40), TokenExpiresAt = Now.AddDays(-10) },
        ["spent, other frontend"] = Fresh with { SpentAt = Now.AddDays(-1), IsOtherFrontend = true },
        ["spent, family revoked"] = Fresh with { SpentAt = Now.AddDays(-1), FamilyRevokedAt = Now },
        ["spent, family expired"] = Fresh with { SpentAt = Now.AddDays(-1), FamilyExpiresAt = Now.AddHours(-1) },
    };

    public static TheoryData<string, int> States() => new()
    {
        { "fresh", (int)RefreshState.Fresh },
        { "expired now", (int)RefreshState.Expired },
        { "family expired now", (int)RefreshState.Expired },
        { "family revoked", (int)RefreshState.Revoked },
        { "no member any more", (int)RefreshState.Revoked },
        { "other frontend", (int)RefreshState.OtherFrontend },
        { "spent just now", (int)RefreshState.SpentRecently },
        { "spent 5 s ago", (int)RefreshState.SpentRecently },
        { "spent by a clock that is ahead", (int)RefreshState.SpentRecently },
        { "spent over 5 s ago", (int)RefreshState.Spent },
        { "spent long ago, and expired since", (int)RefreshState.Spent },
        { "spent, other frontend", (int)RefreshState.Spent },
        { "spent, family revoked", (int)RefreshState.Revoked },
        { "spent, family expired", (int)RefreshState.Expired },
    };
}
