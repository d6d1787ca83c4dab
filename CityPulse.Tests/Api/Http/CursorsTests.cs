using CityPulse.Api.Http;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

public sealed class CursorsTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly Guid Organization = Guid.CreateVersion7();
    private static readonly CursorScope Scope = new(Organization, "sensors", "co2", null, "hall");
    private readonly Cursors _cursors = new(Secret);

    [Fact]
    public void A_cursor_opens_on_another_replica()
    {
        var key = new IdKey(Guid.CreateVersion7());
        new Cursors(Secret).TryOpen<IdKey>(Scope, _cursors.Seal(Scope, key), out var opened).ShouldBeTrue();
        opened.ShouldBe(key);
    }

    [Fact]
    public void No_character_can_be_altered()
    {
        var cursor = _cursors.Seal(Scope, new IdKey(Guid.CreateVersion7()));
        for (var i = 0; i < cursor.Length; i++)
        {
            foreach (var other in "Aa0_-Z")
            {
                if (cursor[i] != other)
                {
                    var altered = cursor[..i] + other + cursor[(i + 1)..];
                    _cursors.TryOpen<IdKey>(Scope, altered, out _).ShouldBeFalse($"{altered} at {i}");
                }
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("not base64!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void What_was_never_given_out_does_not_open(string cursor) => _cursors.TryOpen<IdKey>(Scope, cursor, out _).ShouldBeFalse();

    [Fact]
    public void Nothing_can_be_added_to_a_cursor()
    {
        var cursor = _cursors.Seal(Scope, new IdKey(Guid.CreateVersion7()));
        foreach (var more in (string[])["=", "==", "A", "AAAA", " ", "\n"])
        {
            _cursors.TryOpen<IdKey>(Scope, cursor + more, out _).ShouldBeFalse();
        }

        _cursors.TryOpen<IdKey>(Scope, cursor[..^1], out _).ShouldBeFalse();
    }

    public static TheoryData<string> OtherScopes => ["organization", "list", "filter", "filter moved", "filter gone"];

    [Theory]
    [MemberData(nameof(OtherScopes))]
    public void A_cursor_belongs_to_one_list_of_one_organisation_with_its_filters(string what)
    {
        CursorScope other = what switch
        {
            "organization" => Scope with { OrganizationId = Guid.CreateVersion7() },
            "list" => Scope with { List = "buildings" },
            "filter" => new(Organization, "sensors", "co2", null, "Hall"),
            "filter moved" => new(Organization, "sensors", "co2", "hall", null),
            _ => new(Organization, "sensors", "co2", null),
        };
        _cursors.TryOpen<IdKey>(other, _cursors.Seal(Scope, new IdKey(Guid.CreateVersion7())), out _).ShouldBeFalse();
    }

    [Fact]
    public void Another_secret_opens_nothing()
    {
        var cursor = _cursors.Seal(Scope, new IdKey(Guid.CreateVersion7()));
        new Cursors(new byte[32]).TryOpen<IdKey>(Scope, cursor, out _).ShouldBeFalse();
    }
}
