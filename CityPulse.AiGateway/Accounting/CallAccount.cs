using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Security;

namespace CityPulse.AiGateway.Accounting;

/// <summary>On whose account a model is called.</summary>
internal sealed record CallAccount(Guid OrganizationId, Guid UserId, Guid? ConversationId = null)
{
    public static CallAccount Of(Caller caller, Guid? conversationId = null) => new(caller.OrganizationId, caller.UserId, conversationId);
}

/// <summary>One call of a model and what came of it.</summary>
/// <param name="Outcome"><c>completed</c>, <c>cancelled</c>, or why it failed.</param>
/// <param name="IsEstimated">Whether the provider was cut off before it told its count.</param>
internal sealed record CallRecord(ModelInfo Model, long InputTokens, long OutputTokens, decimal? CostUsd, string Outcome, bool IsEstimated);

/// <summary>Money set aside for a call that is under way.</summary>
/// <param name="OutputTokens">How long an answer it pays for.</param>
internal sealed record Reservation(HeldPurse Purse, decimal AmountUsd, int OutputTokens);

/// <summary>The month's money is spent; whose it was, and when there is new.</summary>
internal sealed class BudgetExhaustedException(bool isOrganizations, DateTimeOffset resetsAt)
    : Exception($"The monthly AI budget of the {(isOrganizations ? "organisation" : "user")} is exhausted.")
{
    public DateTimeOffset ResetsAt { get; } = resetsAt;
}
