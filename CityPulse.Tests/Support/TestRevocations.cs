using System.Collections.Concurrent;
using CityPulse.ServiceDefaults.Revocations;

namespace CityPulse.Tests.Support;

/// <summary>A source of revocations in the test's hands.</summary>
internal sealed class TestRevocations : IRevocationSource
{
    public ConcurrentQueue<Guid> Ids { get; } = new();

    /// <summary>Whether it cannot be asked.</summary>
    public bool IsAway { get; set; }

    public Task<RevocationPage> ReadAsync(long since, CancellationToken cancellationToken) => IsAway
        ? Task.FromException<RevocationPage>(new RevocationsUnavailableException("The test says so."))
        : Task.FromResult(new RevocationPage(1, [.. Ids]));
}
