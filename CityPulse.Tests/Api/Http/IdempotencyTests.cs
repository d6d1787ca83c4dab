using System.Net;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

public sealed class IdempotencyTests(CityApi api) : IClassFixture<CityApi>
{
    private const string Key = "Idempotency-Key";
    private const string Replayed = "Idempotency-Replayed";

    [Fact]
    public async Task The_same_request_is_answered_again_and_not_done_again()
    {
        var admin = await api.MemberAsync();
        using var first = await admin.PostAsync(Member.Buildings, Valid.Building(), (Key, "one"));
        var body = (await first.ReadAsync(HttpStatusCode.Created)).ToString();
        first.Headers.Contains(Replayed).ShouldBeFalse();

        // Spaces and the order of members do not make another request.
        using var again = await admin.PostAsync(
            Member.Buildings, """{ "floorAreaM2": 1200.5, "timeZone": "Europe/Berlin",  "use": "office", "name": "Town hall" }""", (Key, "one"));
        (await again.ReadAsync(HttpStatusCode.Created)).ToString().ShouldBe(body);
        again.Headers.GetValues(Replayed).ShouldBe(["true"]);
        again.Headers.Location.ShouldBe(first.Headers.Location);
        again.Headers.ETag.ShouldBe(first.Headers.ETag);
        again.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        (await admin.ReadAllAsync(Member.Buildings)).Count.ShouldBe(1);
        (await api.EventsAsync(admin.OrganizationId)).ShouldBe(["building.created"]);
    }

    [Fact]
    public async Task The_same_key_for_another_body_is_refused()
    {
        var admin = await api.MemberAsync();
        await admin.PostAsync(Member.Buildings, Valid.Building(), (Key, "one"));
        await (await admin.PostAsync(Member.Buildings, Valid.Building("Another"), (Key, "one"))).ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        (await admin.ReadAllAsync(Member.Buildings)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_key_belongs_to_organisation_user_and_route()
    {
        var admin = await api.MemberAsync();
        using var created = await admin.PostAsync(Member.Buildings, Valid.Building(), (Key, "one"));
        var building = (await created.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        var colleague = await api.MemberAsync(Role.Manager, admin.OrganizationId);
        var stranger = await api.MemberAsync();
        foreach (var other in new[] { colleague, stranger })
        {
            using var answer = await other.PostAsync(Member.Buildings, Valid.Building(), (Key, "one"));
            answer.StatusCode.ShouldBe(HttpStatusCode.Created);
            answer.Headers.Contains(Replayed).ShouldBeFalse();
        }

        using var sensor = await admin.PostAsync(Member.Sensors, Valid.Sensor(building), (Key, "one"));
        sensor.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await admin.ReadAllAsync(Member.Buildings)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_refused_request_leaves_the_key_free_and_nothing_behind()
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        await admin.AddSensorAsync(building, new { externalId = "taken" });
        var body = Valid.With(Valid.Sensor(building), new { externalId = "taken" });
        await (await admin.PostAsync(Member.Sensors, body, (Key, "one"))).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await admin.PostAsync(Member.Sensors, Valid.With(body, new { unit = "kW" }), (Key, "one"))).ReadProblemAsync(HttpStatusCode.BadRequest);
        (await api.ScalarAsync<long>("SELECT count(*) FROM idempotent_answers WHERE organization_id = $1", admin.OrganizationId)).ShouldBe(0);
        using var mended = await admin.PostAsync(Member.Sensors, Valid.With(body, new { externalId = "free" }), (Key, "one"));
        mended.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Of_many_at_once_one_has_the_effect_and_all_the_same_answer()
    {
        var admin = await api.MemberAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => admin.PostAsync(Member.Buildings, Valid.Building(), (Key, "storm"))));
        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.Created || a.StatusCode == HttpStatusCode.Conflict);
        var good = answers.Where(a => a.StatusCode == HttpStatusCode.Created).ToList();
        good.Count(a => !a.Headers.Contains(Replayed)).ShouldBe(1);
        good.Select(a => a.Headers.Location).Distinct().Count().ShouldBe(1);
        (await admin.ReadAllAsync(Member.Buildings)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_key_is_free_again_after_a_day()
    {
        var admin = await api.MemberAsync();
        await admin.PostAsync(Member.Buildings, Valid.Building(), (Key, "one"));
        await api.ExecuteAsync("UPDATE idempotent_answers SET created_at = created_at - interval '24 hours' WHERE organization_id = $1", admin.OrganizationId);
        using var next = await admin.PostAsync(Member.Buildings, Valid.Building("Another"), (Key, "one"));
        next.StatusCode.ShouldBe(HttpStatusCode.Created);
        next.Headers.Contains(Replayed).ShouldBeFalse();
        using var replayed = await admin.PostAsync(Member.Buildings, Valid.Building("Another"), (Key, "one"));
        replayed.Headers.Location.ShouldBe(next.Headers.Location);
        (await admin.ReadAllAsync(Member.Buildings)).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(0, 400)]
    [InlineData(1, 201)]
    [InlineData(255, 201)]
    [InlineData(256, 400)]
    public async Task A_key_has_1_to_255_characters(int length, int status)
    {
        var admin = await api.MemberAsync();
        using var answer = await admin.PostAsync(Member.Buildings, Valid.Building(), (Key, new string('k', length)));
        ((int)answer.StatusCode).ShouldBe(status);
    }
}
