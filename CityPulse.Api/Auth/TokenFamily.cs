using CityPulse.Api.Organizations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Auth;

/// <summary>One sign-in and all tokens that follow from it. Revoking it ends them all; access tokens name it as <c>fam</c>.</summary>
internal sealed class TokenFamily
{
    public Guid Id { get; init; }
    public Guid UserId { get; init; }
    public Guid OrganizationId { get; init; }
    /// <summary>The frontend that signed in, in lower case; null for servers and scripts.</summary>
    public string? Frontend { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; set; }
    /// <summary><c>logout</c>, <c>reuse</c>, <c>switch</c> …</summary>
    public string? RevokedBecause { get; set; }
}

/// <summary>One refresh token of a family; only the newest is not spent.</summary>
internal sealed class RefreshToken
{
    /// <summary>SHA-256 of the token. A fast hash is enough for 256 random bits.</summary>
    public required byte[] Hash { get; init; }
    public Guid FamilyId { get; init; }
    public DateTimeOffset IssuedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? SpentAt { get; set; }
}

internal sealed class TokenFamilyConfiguration : IEntityTypeConfiguration<TokenFamily>
{
    public void Configure(EntityTypeBuilder<TokenFamily> builder)
    {
        builder.ToTable("token_families");
        builder.Property(f => f.Id).ValueGeneratedNever();
        builder.Property(f => f.Frontend).HasMaxLength(20);
        builder.Property(f => f.RevokedBecause).HasMaxLength(40);
        builder.HasIndex(f => f.ExpiresAt);
        builder.HasOne<User>().WithMany().HasForeignKey(f => f.UserId).OnDelete(DeleteBehavior.Cascade);
        builder.HasOne<Organization>().WithMany().HasForeignKey(f => f.OrganizationId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class RefreshTokenConfiguration : IEntityTypeConfiguration<RefreshToken>
{
    public void Configure(EntityTypeBuilder<RefreshToken> builder)
    {
        builder.ToTable("refresh_tokens");
        builder.HasKey(t => t.Hash);
        builder.HasOne<TokenFamily>().WithMany().HasForeignKey(t => t.FamilyId).OnDelete(DeleteBehavior.Cascade);
    }
}
