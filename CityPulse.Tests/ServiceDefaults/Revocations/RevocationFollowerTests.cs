using System.Net;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Revocations;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Revocations;

public sealed class RevocationFollowerTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly Guid _family = Guid.CreateVersion7();
    private DefaultsHost _service = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        _service = await DefaultsHost.StartAsync(
            app => app.MapGet("/who", () => "in").RequireAuthorization(),
            builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time)));
        _token = _service.Tokens.Issue(change: t => t.Claims[CityClaims.Family] = _family.ToString());
        await ShouldBeAsync(HttpStatusCode.OK);
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task A_session_that_ended_is_let_in_no_more_after_the_next_look()
    {
        _service.Revocations.Ids.Enqueue(_family);
        await Eventually.TrueAsync(
            async () =>
            {
                _time.Advance(TimeSpan.FromSeconds(2));
                using var answer = await _service.SendAsync(HttpMethod.Get, "/who", token: _token);
                return answer.StatusCode == HttpStatusCode.Unauthorized;
            },
            "the ended session is refused");
        using var other = await _service.SendAsync(HttpMethod.Get, "/who", role: Role.User);
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task While_nobody_can_say_who_is_revoked_callers_are_let_in_for_a_while_and_then_refused()
    {
        _service.Revocations.IsAway = true;
        _time.Advance(TimeSpan.FromSeconds(44));
        await ShouldBeAsync(HttpStatusCode.OK);
        _time.Advance(TimeSpan.FromSeconds(2));
        using (var refused = await _service.SendAsync(HttpMethod.Get, "/who", token: _token))
        {
            await refused.ReadProblemAsync(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter.ShouldNotBeNull();
        }

        _service.Revocations.IsAway = false;
        _time.Advance(TimeSpan.FromSeconds(1));
        await ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_that_names_no_session_is_refused_since_it_could_not_be_revoked()
    {
        using var answer = await _service.SendAsync(
            HttpMethod.Get, "/who", token: _service.Tokens.Issue(change: t => t.Claims.Remove(CityClaims.Family)));
        await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Whoever_waits_for_news_hears_of_every_look_also_of_one_that_failed()
    {
        var revocations = _service.Services.GetRequiredService<IRevocations>();
        var looks = 0;
        revocations.Looked += () => Interlocked.Increment(ref looks);
        await revocations.LookAsync(TestContext.Current.CancellationToken);
        _service.Revocations.IsAway = true;
        await Should.ThrowAsync<RevocationsUnavailableException>(() => revocations.LookAsync(TestContext.Current.CancellationToken));
        looks.ShouldBeGreaterThanOrEqualTo(2);
    }

    [Fact]
    public async Task A_source_that_starts_anew_is_read_from_the_start()
    {
        var source = new RestoredSource();
        await using var service = await DefaultsHost.StartAsync(configure: builder => builder.Services.AddSingleton<IRevocationSource>(source));
        var revocations = service.Services.GetRequiredService<IRevocations>();
        await revocations.LookAsync(TestContext.Current.CancellationToken);
        source.IsRestored = true;
        await revocations.LookAsync(TestContext.Current.CancellationToken);
        revocations.IsKnown(source.Id).ShouldBeTrue();
    }

    [Theory]
    [InlineData("Revocations:Limit", "00:02:00")]
    [InlineData("Revocations:LookEvery", "00:01:00")]
    [InlineData("Revocations:LookEvery", "00:00:00")]
    public async Task A_setting_that_would_let_ended_sessions_in_stops_the_start(string key, string value)
    {
        var fault = await Should.ThrowAsync<OptionsValidationException>(DefaultsHost.StartAsync(settings: new() { [key] = value }));
        fault.Message.ShouldContain(key);
    }

    [Fact]
    public async Task Without_the_key_of_the_services_a_service_does_not_start()
    {
        var fault = await Should.ThrowAsync<InvalidOperationException>(DefaultsHost.StartAsync(configure: builder =>
        {
            builder.Services.RemoveAll<IRevocationSource>();
            builder.Services.AddSingleton<IRevocationSource, ApiRevocationSource>();
        }));
        fault.Message.ShouldContain("Internal:Key");
    }

    private async Task ShouldBeAsync(HttpStatusCode expected)
    {
        using var answer = await _service.SendAsync(HttpMethod.Get, "/who", token: _token);
        answer.StatusCode.ShouldBe(expected);
    }

    private sealed class RestoredSource : IRevocationSource
    {
        public Guid Id { get; } = Guid.CreateVersion7();

        public bool IsRestored { get; set; }

        public Task<RevocationPage> ReadAsync(long since, CancellationToken cancellationToken) => Task.FromResult(
            !IsRestored ? new RevocationPage(1000, []) : new RevocationPage(50, since <= 50 ? [Id] : []));
    }
}
