using CityPulse.AiGateway.Models.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models.Domain;

public sealed class CircuitBreakerTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void It_opens_after_failures_in_a_row_and_lets_one_call_find_out()
    {
        var breaker = new CircuitBreaker(failuresToBreak: 2, TimeSpan.FromSeconds(30));
        breaker.Failed(Now);
        breaker.Succeeded();
        breaker.Failed(Now);
        breaker.Wait(Now).ShouldBeNull();
        breaker.Failed(Now);
        breaker.Wait(Now.AddSeconds(10)).ShouldBe(TimeSpan.FromSeconds(20));

        breaker.Wait(Now.AddSeconds(30)).ShouldBeNull();
        breaker.Wait(Now.AddSeconds(30)).ShouldBe(TimeSpan.FromSeconds(30));
        breaker.Failed(Now.AddSeconds(31));
        breaker.Wait(Now.AddSeconds(60)).ShouldBe(TimeSpan.FromSeconds(1));
        breaker.Wait(Now.AddSeconds(61)).ShouldBeNull();
        breaker.Succeeded();
        breaker.Wait(Now.AddSeconds(61)).ShouldBeNull();
        breaker.Wait(Now.AddSeconds(61)).ShouldBeNull();
    }
}
