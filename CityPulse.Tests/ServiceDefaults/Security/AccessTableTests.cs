using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Shouldly;
using static CityPulse.Contracts.Permission;

namespace CityPulse.Tests.ServiceDefaults.Security;

public sealed class AccessTableTests
{
    [Theory]
    [InlineData(Role.User, "ReadCity AcknowledgeAlerts UseAi ReadSwarm Realtime")]
    [InlineData(Role.Manager, "ReadCity WriteCity Ingest AcknowledgeAlerts UseAi ReadSwarm RunSwarm Realtime")]
    [InlineData(Role.Admin, "ReadCity WriteCity Ingest AcknowledgeAlerts UseAi ReadSwarm RunSwarm Realtime Administer")]
    public void A_role_may_exactly_what_the_contract_says(Role role, string permissions) =>
        string.Join(' ', AccessTable.Permissions(role, null)).ShouldBe(permissions);

    [Theory]
    [InlineData(Frontend.CityPulse, "ReadCity WriteCity Ingest AcknowledgeAlerts UseAi Realtime Administer")]
    [InlineData(Frontend.FlowMind, "ReadCity UseAi ReadSwarm RunSwarm Realtime")]
    [InlineData(Frontend.Quantum, "ReadCity UseAi ReadSwarm RunSwarm Realtime")]
    [InlineData(Frontend.Velocity, "ReadCity UseAi ReadSwarm RunSwarm Realtime")]
    public void A_frontend_narrows_an_admin_to_exactly_what_the_contract_says(Frontend frontend, string permissions) =>
        string.Join(' ', AccessTable.Permissions(Role.Admin, frontend)).ShouldBe(permissions);

    [Fact]
    public void A_frontend_never_adds_to_a_role()
    {
        foreach (var role in Enum.GetValues<Role>())
        {
            foreach (var frontend in Enum.GetValues<Frontend>())
            {
                AccessTable.Permissions(role, frontend).Except(AccessTable.Permissions(role, null)).ShouldBeEmpty();
            }
        }
    }

    [Fact]
    public void A_role_that_does_not_exist_may_nothing() => AccessTable.Allows((Role)42, null, ReadCity).ShouldBeFalse();
}
