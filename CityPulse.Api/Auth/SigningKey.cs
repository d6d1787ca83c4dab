using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Auth;

/// <summary>One ES256 key pair of the ring.</summary>
internal sealed class SigningKey
{
    /// <summary>RFC 7638 thumbprint of the public half; the <c>kid</c> of tokens.</summary>
    public required string Id { get; init; }

    /// <summary>SubjectPublicKeyInfo.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>PKCS #8, encrypted by <see cref="KeyCipher"/>.</summary>
    public required byte[] PrivateKey { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>From when it signs, unless a newer one does. It is published before.</summary>
    public DateTimeOffset SignsFrom { get; init; }

    /// <summary>Until when tokens signed with it are believed; null until another one follows.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }
}

internal sealed class SigningKeyConfiguration : IEntityTypeConfiguration<SigningKey>
{
    public void Configure(EntityTypeBuilder<SigningKey> builder)
    {
        builder.ToTable("signing_keys");
        builder.HasKey(k => k.Id);
        builder.Property(k => k.Id).HasMaxLength(64);
    }
}
