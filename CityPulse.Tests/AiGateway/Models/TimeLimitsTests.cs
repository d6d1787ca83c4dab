using CityPulse.AiGateway.Models;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models;

public sealed class TimeLimitsTests
{
    private readonly TimeLimits _limits = new(TimeProvider.System);

    [Fact]
    public void What_ended_nothing_is_used_again_and_its_old_caller_ends_it_no_more()
    {
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var limit = _limits.Begin(first.Token);
        limit.EndAfter(TimeSpan.FromHours(1));
        _limits.End(limit, isReusable: true);

        var next = _limits.Begin(second.Token);
        next.Source.ShouldBeSameAs(limit.Source);
        first.Cancel();
        next.Token.IsCancellationRequested.ShouldBeFalse();
        second.Cancel();
        next.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public async Task A_limit_that_was_set_before_does_not_end_the_next_attempt()
    {
        var limit = _limits.Begin(CancellationToken.None);
        limit.EndAfter(TimeSpan.FromMilliseconds(1));
        // Whether it had ended is chance; either way the next one is not ended.
        _limits.End(limit, isReusable: true);
        var next = _limits.Begin(CancellationToken.None);
        var later = _limits.Begin(CancellationToken.None);
        later.EndAfter(TimeSpan.FromMilliseconds(20));
        await Eventually.TrueAsync(() => later.Token.IsCancellationRequested, "the later limit is over");
        next.Token.IsCancellationRequested.ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_somebody_may_still_hold_or_has_ended_is_not_used_again(bool hasEnded)
    {
        using var caller = new CancellationTokenSource();
        var limit = _limits.Begin(caller.Token);
        if (hasEnded)
        {
            caller.Cancel();
        }

        _limits.End(limit, isReusable: hasEnded);
        _limits.Begin(CancellationToken.None).Source.ShouldNotBeSameAs(limit.Source);
    }

    [Fact]
    public void A_caller_who_has_left_already_ends_it_at_once() => _limits.Begin(new CancellationToken(canceled: true)).Token.IsCancellationRequested.ShouldBeTrue();
}
