using System.Globalization;
using CityPulse.AiGateway.Local.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Local.Domain;

public sealed class PeriodTests
{
    // A Tuesday morning in Berlin; winter time, after summer time ended on 25 October.
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 30, 15, 123, TimeSpan.Zero);
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Theory]
    [InlineData("today", "2026-11-23T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("yesterday", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z")]
    [InlineData("the day before yesterday", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z")]
    [InlineData("this week", "2026-11-22T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("last week", "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z")]
    [InlineData("this month", "2026-10-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("last month", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("the previous month", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("the month before last", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z")]
    [InlineData("last quarter", "2026-06-30T22:00:00Z", "2026-09-30T22:00:00Z")]
    [InlineData("this year", "2025-12-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("year to date", "2025-12-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("last year", "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z")]
    [InlineData("the last 7 days", "2026-11-17T10:30:15Z", "2026-11-24T10:30:15Z")]
    [InlineData("over the past seven days", "2026-11-17T10:30:15Z", "2026-11-24T10:30:15Z")]
    [InlineData("last 24 hours", "2026-11-23T10:30:15Z", "2026-11-24T10:30:15Z")]
    [InlineData("last 3 months", "2026-08-24T09:30:15Z", "2026-11-24T10:30:15Z")]
    [InlineData("in October", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("in december", "2025-11-30T23:00:00Z", "2025-12-31T23:00:00Z")]
    [InlineData("November", "2026-10-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("October 2025", "2025-09-30T22:00:00Z", "2025-10-31T23:00:00Z")]
    [InlineData("in 2025", "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z")]
    [InlineData("2026-10", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("Q3", "2026-06-30T22:00:00Z", "2026-09-30T22:00:00Z")]
    [InlineData("Q1 2025", "2024-12-31T23:00:00Z", "2025-03-31T22:00:00Z")]
    [InlineData("since Monday", "2026-11-22T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("since October", "2026-09-30T22:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("since 2026-11-01", "2026-10-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("since yesterday", "2026-11-22T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("on Sunday", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z")]
    [InlineData("last Tuesday", "2026-11-16T23:00:00Z", "2026-11-17T23:00:00Z")]
    [InlineData("on 2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    [InlineData("from 2026-10-01 to 2026-10-15", "2026-09-30T22:00:00Z", "2026-10-15T22:00:00Z")]
    [InlineData("between 2026-10-01T00:00:00Z and 2026-10-02T12:00:00+02:00", "2026-10-01T00:00:00Z", "2026-10-02T10:00:00Z")]
    [InlineData("from 1 to 15 October", "2026-09-30T22:00:00Z", "2026-10-15T22:00:00Z")]
    [InlineData("October 5th, 2025", "2025-10-04T22:00:00Z", "2025-10-05T22:00:00Z")]
    [InlineData("on 31 December", "2025-12-30T23:00:00Z", "2025-12-31T23:00:00Z")]
    [InlineData("heute", "2026-11-23T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("gestern", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z")]
    [InlineData("vorgestern", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z")]
    [InlineData("letzte Woche", "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z")]
    [InlineData("in der letzten Woche", "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z")]
    [InlineData("letzten Monat", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("im vergangenen Monat", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("im Vormonat", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    [InlineData("diesen Monat", "2026-10-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("dieses Jahr", "2025-12-31T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("letztes Jahr", "2024-12-31T23:00:00Z", "2025-12-31T23:00:00Z")]
    [InlineData("in den letzten 7 Tagen", "2026-11-17T10:30:15Z", "2026-11-24T10:30:15Z")]
    [InlineData("im März", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")]
    [InlineData("im Oktober 2025", "2025-09-30T22:00:00Z", "2025-10-31T23:00:00Z")]
    [InlineData("seit Montag", "2026-11-22T23:00:00Z", "2026-11-24T10:30:15Z")]
    [InlineData("am 25.10.2026", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    [InlineData("vom 1. bis 15. Oktober", "2026-09-30T22:00:00Z", "2026-10-15T22:00:00Z")]
    [InlineData("im 2. Quartal", "2026-03-31T22:00:00Z", "2026-06-30T22:00:00Z")]
    public void Words_become_an_exact_half_open_period(string text, string from, string to)
    {
        var (phrases, _) = PeriodParser.Parse(Text.Normalize($"how much {text}?"));
        var period = PeriodResolver.Resolve(phrases.ShouldHaveSingleItem(), Now, Berlin);
        PeriodResolver.Utc(period.From).ShouldBe(from);
        PeriodResolver.Utc(period.To).ShouldBe(to);
    }

    [Theory]
    [InlineData("last month", "the month before", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z")]
    [InlineData("last month", "the same month last year", "2025-09-30T22:00:00Z", "2025-10-31T23:00:00Z")]
    [InlineData("October", "September", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z")]
    [InlineData("this month", "the period before", "2026-09-30T22:00:00Z", "2026-10-24T09:30:15Z")]
    [InlineData("letzten Monat", "dem Monat davor", "2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z")]
    [InlineData("letzte Woche", "ein Jahr zuvor", "2025-11-15T23:00:00Z", "2025-11-22T23:00:00Z")]
    public void A_second_period_may_refer_to_the_first(string first, string second, string from, string to)
    {
        var (phrases, _) = PeriodParser.Parse(Text.Normalize($"compare {first} with {second}"));
        phrases.Count.ShouldBe(2);
        var other = PeriodResolver.Resolve(phrases[1], Now, Berlin, PeriodResolver.Resolve(phrases[0], Now, Berlin));
        PeriodResolver.Utc(other.From).ShouldBe(from);
        PeriodResolver.Utc(other.To).ShouldBe(to);
    }

    [Theory]
    [InlineData("may I ask something")]
    [InlineData("the last 9999 years")]
    [InlineData("on 2026-13-45")]
    [InlineData("31.02.2026")]
    [InlineData("lastmonth")]
    public void What_is_no_period_is_none(string text) => PeriodParser.Parse(Text.Normalize(text)).Phrases.ShouldBeEmpty();

    [Fact]
    public void A_month_is_named_by_its_name_and_an_odd_period_by_its_ends()
    {
        Describe("last month", Language.English).ShouldBe("October 2026");
        Describe("letzten Monat", Language.German).ShouldBe("Oktober 2026");
        Describe("yesterday", Language.English).ShouldBe("2026-11-23");
        Describe("last week", Language.English).ShouldBe("2026-11-16 to 2026-11-22");
        Describe("today", Language.German).ShouldBe("2026-11-24 00:00 bis 2026-11-24 11:30");

        static string Describe(string text, Language language) => PeriodWords.Describe(
            PeriodResolver.Resolve(PeriodParser.Parse(Text.Normalize(text)).Phrases[0], Now, Berlin), Berlin, language);
    }

    [Fact]
    public void Every_short_text_is_read_without_a_fault()
    {
        var random = new Random(7);
        string[] words = ["last", "month", "2026", "31", "february", "to", "from", "since", "q3", "7", "days", "letzten", "seit", "1.", "und", "before", "may", "-", "2026-02-30", "29.2.2025"];
        for (var i = 0; i < 3000; i++)
        {
            var text = string.Join(' ', Enumerable.Range(0, random.Next(1, 8)).Select(_ => words[random.Next(words.Length)]));
            foreach (var phrase in PeriodParser.Parse(Text.Normalize(text)).Phrases)
            {
                var other = PeriodResolver.Resolve(new PeriodPhrase.Calendar(TimeUnit.Month, 1), Now, Berlin);
                var period = PeriodResolver.Resolve(phrase, Now, Berlin, other);
                period.From.Offset.ShouldBe(TimeSpan.Zero, string.Create(CultureInfo.InvariantCulture, $"{text}"));
            }
        }
    }
}
