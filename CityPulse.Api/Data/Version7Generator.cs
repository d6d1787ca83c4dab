using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.ValueGeneration;

namespace CityPulse.Api.Data;

/// <summary>Gives a new entity its id when it is added, from the service's own clock: ids sort by creation.</summary>
internal sealed class Version7Generator : ValueGenerator<Guid>
{
    public override bool GeneratesTemporaryValues => false;

    public override Guid Next(EntityEntry entry) => Guid.CreateVersion7(entry.Context.GetService<TimeProvider>().GetUtcNow());
}
