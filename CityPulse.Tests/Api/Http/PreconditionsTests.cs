using CityPulse.Api.Http;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

public sealed class PreconditionsTests
{
    private static readonly Guid Id = Guid.Parse("0199d6a8-1111-7000-8000-000000000001");
    private static readonly string Current = ETags.Of(Id, 3);

    public static TheoryData<string?, int?> IfMatch => new()
    {
        { null, 428 },
        { "*", null },
        { " * ", null },
        { Current, null },
        { $"\"other\", {Current}", null },
        { $"{Current}, \"other\"", null },
        { ETags.Of(Id, 3, "shown"), null },
        { Current[..^1] + "-gzip\"", null },
        { Current[..^1] + "-br\"", null },
        { ETags.Of(Id, 2), 412 },
        { ETags.Of(Id, 33), 412 },
        { ETags.Of(Guid.Empty, 3), 412 },
        { "W/" + Current, 412 },
        { "\"made up\"", 412 },
        { "\"\"", 412 },
        { Current.Trim('"'), 400 },
        { "nonsense", 400 },
        { $"{Current}, *", 400 },
        { "\"open", 400 },
        { "", 400 },
        { "w/" + Current, 412 },
    };

    [Theory]
    [MemberData(nameof(IfMatch))]
    public void A_write_goes_on_only_with_the_current_version(string? header, int? refusal) =>
        (Preconditions.Require(header, Id, 3)?.StatusCode).ShouldBe(refusal);

    [Fact]
    public void A_delete_need_not_name_a_version()
    {
        Preconditions.Check(null, Id, 3).ShouldBeNull();
        Preconditions.Check(ETags.Of(Id, 2), Id, 3)!.StatusCode.ShouldBe(412);
    }

    public static TheoryData<string, string?, bool> IfNoneMatch => new()
    {
        { "GET", null, false },
        { "GET", "*", true },
        { "GET", Current, true },
        { "HEAD", Current, true },
        { "GET", "W/" + Current, true },
        { "GET", $"\"x\", W/{Current}", true },
        { "GET", Current[..^1] + "-br\"", true },
        { "GET", "\"x\"", false },
        { "GET", ETags.Of(Id, 3, "shown"), false },
        { "GET", "nonsense", false },
        { "POST", Current, false },
    };

    [Theory]
    [MemberData(nameof(IfNoneMatch))]
    public void A_reader_is_spared_what_it_has(string method, string? header, bool known)
    {
        var context = new DefaultHttpContext { Request = { Method = method } };
        if (header is not null)
        {
            context.Request.Headers.IfNoneMatch = header;
        }

        Preconditions.IsKnown(context.Request, Current).ShouldBe(known);
    }
}
