using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace CityPulse.Api.Data;

/// <summary>Lets <c>dotnet ef migrations add</c> read the model without a database or a configured host.</summary>
internal sealed class CityDbDesign : IDesignTimeDbContextFactory<CityDb>
{
    public CityDb CreateDbContext(string[] args)
    {
        var options = new DbContextOptionsBuilder<CityDb>();
        options.UseCityModel();
        return new CityDb(options.Options);
    }
}
