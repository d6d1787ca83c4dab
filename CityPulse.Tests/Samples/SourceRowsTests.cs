using CityPulse.Samples.Domain;
using Shouldly;

namespace CityPulse.Tests.Samples;

public sealed class SourceRowsTests
{
    [Fact]
    public void Rows_keep_time_and_value()
    {
        Read("timestamp,kwh", "2020-04-01T01:00:00Z,0.078", "2020-04-01T02:00:00Z,1.5")
            .ShouldBe([Row("2020-04-01T01:00", 0.078), Row("2020-04-01T02:00", 1.5)]);
    }

    [Fact]
    public void Local_times_are_read_as_they_stand() =>
        Read("timestamp,kwh", "2015-09-10 05:33:00,62").ShouldBe([Row("2015-09-10T05:33", 62)]);

    [Theory]
    [InlineData("")]
    [InlineData("nan")]
    [InlineData("NaN")]
    public void A_missing_value_gives_no_row_and_never_a_zero(string value) =>
        Read("timestamp,kwh", $"2020-04-01T01:00:00Z,{value}").ShouldBeEmpty();

    [Fact]
    public void A_true_zero_stays() =>
        Read("timestamp,kwh", "2020-04-01T01:00:00Z,0").ShouldBe([Row("2020-04-01T01:00", 0)]);

    [Fact]
    public void Of_rows_with_the_same_time_the_last_stands() =>
        Read("timestamp,kwh", "2015-09-10 05:33:00,60", "2015-09-10 05:33:00,62").ShouldBe([Row("2015-09-10T05:33", 62)]);

    [Fact]
    public void A_stretch_that_means_missing_is_left_out_half_open()
    {
        var missing = new MissingStretch(Time("2020-10-30T05:00"), Time("2020-10-30T07:00"), "zeros");

        SourceRows.Read(
                ["timestamp,kwh", "2020-10-30T04:00:00Z,1", "2020-10-30T05:00:00Z,0", "2020-10-30T06:00:00Z,0", "2020-10-30T07:00:00Z,2"],
                "kwh", 1, [missing])
            .ShouldBe([Row("2020-10-30T04:00", 1), Row("2020-10-30T07:00", 2)]);
    }

    [Fact]
    public void Therms_become_kilowatt_hours() =>
        SourceRows.Read(["timestamp,value", "2015-11-22T06:00:00Z,2"], "value", 29.3001, [])[0].Value.ShouldBe(58.6002, 1e-9);

    [Theory]
    [InlineData("timestamp,watt", "2020-04-01T01:00:00Z,1")]
    [InlineData("timestamp,kwh", "01.04.2020 01:00,1")]
    [InlineData("timestamp,kwh", "2020-04-01T01:00:00Z,one")]
    [InlineData("timestamp,kwh", "2020-04-01T01:00:00Z")]
    public void A_damaged_file_is_refused(params string[] lines) =>
        Should.Throw<FormatException>(() => Read(lines));

    [Fact]
    public void A_file_that_goes_back_in_time_is_refused() =>
        Should.Throw<FormatException>(() => Read("timestamp,kwh", "2020-04-01T02:00:00Z,1", "2020-04-01T01:00:00Z,1"))
            .Message.ShouldContain("Line 3");

    private static IReadOnlyList<SourceRow> Read(params string[] lines) => SourceRows.Read(lines, "kwh", 1, []);

    private static SourceRow Row(string time, double value) => new(Time(time), value);

    private static DateTime Time(string text) => DateTime.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
