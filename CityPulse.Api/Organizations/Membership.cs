using CityPulse.Api.Auth;
using CityPulse.Api.Data;
using CityPulse.Contracts;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Organizations;

/// <summary>A person's place in an organisation.</summary>
internal sealed class Membership : TenantEntity
{
    public Guid UserId { get; init; }
    public Role Role { get; set; }
    /// <summary>What the organisation calls the person; null: as the person does.</summary>
    public string? DisplayName { get; set; }
    /// <summary>Set: the person cannot sign in to this organisation.</summary>
    public DateTimeOffset? DisabledAt { get; set; }
}

internal sealed class MembershipConfiguration : IEntityTypeConfiguration<Membership>
{
    public void Configure(EntityTypeBuilder<Membership> builder)
    {
        builder.ToTable("memberships");
        builder.Property(m => m.DisplayName).HasMaxLength(200);
        builder.Property(m => m.Role).HasConversion<string>().HasMaxLength(20);
        builder.HasIndex(m => new { m.UserId, m.OrganizationId }).IsUnique();
        builder.HasOne<User>().WithMany().HasForeignKey(m => m.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
