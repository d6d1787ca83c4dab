using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Http;

/// <summary>
/// The remembered answer to a <c>POST</c> that came with an <c>Idempotency-Key</c>. It is written in the transaction of
/// the effect, so that either both exist or neither.
/// </summary>
internal sealed class IdempotentAnswer
{
    public Guid OrganizationId { get; init; }
    public Guid UserId { get; init; }
    /// <summary>Method and route pattern.</summary>
    public required string Route { get; init; }
    public required string Key { get; init; }
    /// <summary>Keyed hash of what was asked: the address and the body as it was understood.</summary>
    public required byte[] RequestHash { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public int Status { get; init; }
    public string? Location { get; init; }
    public string? ETag { get; init; }
    public string? ContentType { get; init; }
    /// <summary>Encrypted by <see cref="Auth.KeyCipher"/>.</summary>
    public byte[]? Body { get; init; }
}

internal sealed class IdempotentAnswerConfiguration : IEntityTypeConfiguration<IdempotentAnswer>
{
    public void Configure(EntityTypeBuilder<IdempotentAnswer> builder)
    {
        builder.ToTable("idempotent_answers");
        builder.HasKey(a => new { a.OrganizationId, a.UserId, a.Route, a.Key });
        builder.Property(a => a.Route).HasMaxLength(200);
        builder.Property(a => a.Key).HasMaxLength(Idempotency.MaxKeyLength);
        builder.Property(a => a.ETag).HasColumnName("etag");
        builder.HasIndex(a => a.CreatedAt);
    }
}
