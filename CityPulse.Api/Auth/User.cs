using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Auth;

/// <summary>A person. What they may do stands in their memberships (<see cref="Organizations.Membership"/>), one an organisation.</summary>
internal sealed class User : IdentityUser<Guid>
{
    public required string DisplayName { get; set; }

    // The address is the name: one column, one unique index, nothing to keep in step.
    public override string? UserName { get => Email; set => Email = value; }
    public override string? NormalizedUserName { get => NormalizedEmail; set => NormalizedEmail = value; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class UserConfiguration : IEntityTypeConfiguration<User>
{
    public void Configure(EntityTypeBuilder<User> builder)
    {
        builder.ToTable("users");
        builder.Property(u => u.Id).ValueGeneratedNever();
        builder.Property(u => u.Email).HasMaxLength(254).IsRequired();
        builder.Property(u => u.NormalizedEmail).HasMaxLength(254).IsRequired();
        builder.HasIndex(u => u.NormalizedEmail).IsUnique();
        builder.Property(u => u.PasswordHash).IsRequired();
        builder.Property(u => u.ConcurrencyStamp).IsConcurrencyToken();
        builder.Property(u => u.DisplayName).HasMaxLength(200);
        // No phones and no second factor are kept.
        builder.Ignore(u => u.UserName).Ignore(u => u.NormalizedUserName);
        builder.Ignore(u => u.PhoneNumber).Ignore(u => u.PhoneNumberConfirmed).Ignore(u => u.TwoFactorEnabled);
    }
}
