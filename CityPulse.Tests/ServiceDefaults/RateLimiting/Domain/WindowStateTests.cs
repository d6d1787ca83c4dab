using CityPulse.ServiceDefaults.RateLimiting.Domain;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.RateLimiting.Domain;

public sealed class WindowStateTests
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Left = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(200, 1)]
    [InlineData(6_000, 1)]
    [InlineData(10_000, 1)]
    [InlineData(20_000, 20)]
    [InlineData(1_000_000_000, 1_000_000)]
    public void Only_very_large_limits_are_fetched_in_chunks(long permits, long chunk) => WindowState.Chunk(permits).ShouldBe(chunk);

    [Fact]
    public void What_is_known_needs_no_question()
    {
        var state = new WindowState(20_000, Window);
        state.TryDecide(0).ShouldBeNull();
        state.Learn(new SharedWindow(Granted: 3, Used: 103, Left), 0).ShouldBe(new Verdict(true, 19_899, Left));
        state.TryDecide(1).ShouldBe(new Verdict(true, 19_898, Left - TimeSpan.FromTicks(1)));
        state.TryDecide(2)!.Value.Remaining.ShouldBe(19_897);
        state.TryDecide(3).ShouldBeNull();
    }

    [Fact]
    public void A_full_window_stays_full_until_it_ends()
    {
        var state = new WindowState(5, Window);
        state.Learn(new SharedWindow(Granted: 1, Used: 5, Left), 0).IsGranted.ShouldBeTrue();
        state.TryDecide(Left.Ticks - 1).ShouldBe(new Verdict(false, 0, TimeSpan.FromTicks(1)));
        state.IsNeeded(Left.Ticks - 1).ShouldBeTrue();
        state.TryDecide(Left.Ticks).ShouldBeNull();
        state.IsNeeded(Left.Ticks).ShouldBeFalse();
    }

    [Fact]
    public void What_was_fetched_ends_with_its_window()
    {
        var state = new WindowState(20_000, Window);
        state.Learn(new SharedWindow(Granted: 20, Used: 20, TimeSpan.FromTicks(5)), 0);
        state.Learn(new SharedWindow(Granted: 1, Used: 1, Window), 5);
        state.TryDecide(6).ShouldBeNull();
    }

    [Fact]
    public void Alone_it_goes_on_from_what_it_knew_and_starts_again_with_the_next_window()
    {
        var state = new WindowState(5, Window);
        state.Learn(new SharedWindow(Granted: 1, Used: 3, Left), 0);
        state.CountAlone(1).ShouldBe(new Verdict(true, 1, Left - TimeSpan.FromTicks(1)));
        state.CountAlone(2).Remaining.ShouldBe(0);
        state.CountAlone(3).IsGranted.ShouldBeFalse();
        // Each time the shared counter is asked first, so that its return is noticed.
        state.TryDecide(4).ShouldBeNull();
        state.CountAlone(Left.Ticks).ShouldBe(new Verdict(true, 4, Window));
    }
}
