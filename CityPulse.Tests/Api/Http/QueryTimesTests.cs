using System.Globalization;
using System.Net;
using CityPulse.Api.Http;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

public sealed class QueryTimesTests(CityApi api) : IClassFixture<CityApi>
{
    [Theory]
    [InlineData("2026-01-01T00:00:00Z", "2026-01-01T00:00:00")]
    [InlineData("2026-01-01T00:00:00z", "2026-01-01T00:00:00")]
    [InlineData("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00")]
    [InlineData("2026-01-01T02:00:00 02:00", "2026-01-01T00:00:00")]
    [InlineData("2025-12-31T18:00:00.5000000-06:00", "2026-01-01T00:00:00.5")]
    [InlineData("2024-02-29T10:00Z", "2024-02-29T10:00:00")]
    public void A_time_with_its_offset_is_read_also_where_the_plus_was_not_escaped(string text, string utc)
    {
        QueryTimes.TryParse(text, out var at).ShouldBeTrue();
        at.Offset.ShouldBe(TimeSpan.Zero);
        at.UtcDateTime.ShouldBe(DateTime.Parse(utc, CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 02:00")]
    [InlineData("2026-01-01")]
    [InlineData("2026-01-01T00:00:00")]
    [InlineData("2026-01-01 00:00")]
    [InlineData("2026-01-01 00:00:00Z")]
    [InlineData("2026-01-01T00:00:00 +02:00")]
    [InlineData("2026-02-29T00:00:00Z")]
    [InlineData("1969-12-31T23:59:59Z")]
    [InlineData("1970-01-01T01:00:00+02:00")]
    [InlineData("2200-01-01T00:00:00Z")]
    [InlineData("1767225600")]
    public void What_leaves_anything_to_be_guessed_is_refused(string text) => QueryTimes.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData("citypulse/energy")]
    [InlineData("citypulse/alerts")]
    [InlineData("citypulse/alerts/statistics")]
    [InlineData("citypulse/analytics/data-quality")]
    [InlineData("audit")]
    public async Task A_period_in_the_round_trip_form_of_dotnet_is_understood_as_it_stands(string path)
    {
        var admin = await api.MemberAsync();
        (await admin.GetAsync($"/api/v1/{path}?from=2026-01-01T00:00:00.0000000+00:00&to=2026-01-02T02:00:00.0000000+02:00")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }
}
