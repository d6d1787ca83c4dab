namespace CityPulse.Api.Audit;

/// <summary>Whom a call is put down to, where the access token does not say: at sign-in there is none yet.</summary>
internal sealed record AuditSubject(Guid OrganizationId, Guid? UserId, Guid? DeviceKeyId = null, string? Detail = null);

/// <summary>Marks endpoints whose success is no news.</summary>
internal sealed class NotAudited;

internal static class AuditSubjectExtensions
{
    /// <summary>Puts the call down to this person in this organisation.</summary>
    public static void AuditAs(this HttpContext context, Guid organizationId, Guid userId, string? detail = null) =>
        context.Features.Set(new AuditSubject(organizationId, userId, Detail: detail));

    /// <summary>Leaves the call's success out of the audit log; its refusals are in it nevertheless.</summary>
    public static TBuilder WithoutAudit<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new NotAudited());
}
