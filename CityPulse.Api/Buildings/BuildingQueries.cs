using System.Linq.Expressions;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Query;

namespace CityPulse.Api.Buildings;

/// <summary>The place of a building in a list: by distance when that was asked for, then by creation.</summary>
internal sealed record BuildingKey(Guid Id, double? DistanceM);

internal static class BuildingQueries
{
    private const double Degree = Math.PI / 180;

    internal sealed class Row
    {
        public required Building Building { get; init; }
        public double? DistanceM { get; init; }
    }

    private sealed record Placed(BuildingResponse Building, double? DistanceM);

    private static readonly Expression<Func<Building, BuildingResponse>> ShapeExpression = b => new BuildingResponse(
        b.Id,
        b.Name,
        b.Code,
        b.Use,
        b.Street == null && b.City == null && b.PostalCode == null && b.Country == null
            ? null
            : new AddressModel(b.Street, b.City, b.PostalCode, b.Country),
        Point(b.Longitude, b.Latitude),
        b.FloorAreaM2,
        b.Floors,
        b.YearBuilt,
        b.TimeZone,
        b.Tags,
        b.TariffId,
        b.CarbonIntensityKgPerKwh,
        b.EmissionRegion,
        b.CreatedAt,
        b.UpdatedAt,
        b.Version);

    private static readonly Func<Building, BuildingResponse> ShapeCompiled = ShapeExpression.Compile();

    // A method, so that it is called on the row that was read: as an expression it would become an array in SQL.
    private static PointModel? Point(double? longitude, double? latitude) =>
        longitude is { } x && latitude is { } y ? new PointModel("Point", [x, y]) : null;

    /// <summary>A building as clients see it.</summary>
    public static BuildingResponse Shape(Building building) => ShapeCompiled(building);

    public static Task<BuildingResponse?> FindAsync(CityDb db, Guid id, CancellationToken cancellationToken) =>
        db.Buildings.AsNoTracking().Where(b => b.Id == id).Select(ShapeExpression).SingleOrDefaultAsync(cancellationToken);

    public static async Task<Page<BuildingResponse>> ListAsync(
        IQueryable<Building> buildings, Circle? near, PageStart<BuildingKey> page, CancellationToken cancellationToken)
    {
        var rows = near is null ? buildings.Select(b => new Row { Building = b }) : WithDistance(buildings, near);
        rows = (near, page.After) switch
        {
            (null, null) => rows.OrderBy(r => r.Building.Id),
            (null, { } after) => rows.Where(r => r.Building.Id > after.Id).OrderBy(r => r.Building.Id),
            (_, null) => rows.OrderBy(r => r.DistanceM).ThenBy(r => r.Building.Id),
            (_, { } after) => rows
                .Where(r => r.DistanceM > after.DistanceM || (r.DistanceM == after.DistanceM && r.Building.Id > after.Id))
                .OrderBy(r => r.DistanceM).ThenBy(r => r.Building.Id),
        };

        var items = await rows.Take(page.Fetch).AsNoTracking().Select(ToPlaced()).ToListAsync(cancellationToken);
        var placed = page.ToPage(items, p => new BuildingKey(p.Building.Id, p.DistanceM));
        return new([.. placed.Items.Select(p => p.Building)], placed.NextCursor);
    }

    public static IQueryable<Building> Within(this IQueryable<Building> buildings, Box box)
    {
        buildings = buildings.Where(b => b.Latitude >= box.South && b.Latitude <= box.North);
        return box.CrossesAntimeridian
            ? buildings.Where(b => b.Longitude >= box.West || b.Longitude <= box.East)
            : buildings.Where(b => b.Longitude >= box.West && b.Longitude <= box.East);
    }

    /// <summary>Great-circle distance by the haversine formula, exact enough for a radius on a map (0.5 % at worst).</summary>
    private static IQueryable<Row> WithDistance(IQueryable<Building> buildings, Circle near)
    {
        var (longitude, latitude, radius) = (near.Longitude * Degree, near.Latitude * Degree, near.RadiusM);
        return buildings
            .Where(b => b.Longitude != null && b.Latitude != null)
            .Select(b => new Row
            {
                Building = b,
                DistanceM = 2 * Circle.EarthRadiusM * Math.Asin(Math.Sqrt(Math.Min(1,
                    Math.Pow(Math.Sin(((b.Latitude!.Value * Degree) - latitude) / 2), 2)
                    + (Math.Cos(latitude) * Math.Cos(b.Latitude!.Value * Degree)
                        * Math.Pow(Math.Sin(((b.Longitude!.Value * Degree) - longitude) / 2), 2))))),
            })
            .Where(r => r.DistanceM <= radius);
    }

    /// <summary>The shape of the building beside its distance, as one expression that the database can narrow.</summary>
    private static Expression<Func<Row, Placed>> ToPlaced()
    {
        var row = Expression.Parameter(typeof(Row), "r");
        var building = Expression.Property(row, nameof(Row.Building));
        var shape = ReplacingExpressionVisitor.Replace(ShapeExpression.Parameters[0], building, ShapeExpression.Body);
        var constructor = typeof(Placed).GetConstructor([typeof(BuildingResponse), typeof(double?)])!;
        return Expression.Lambda<Func<Row, Placed>>(
            Expression.New(constructor, shape, Expression.Property(row, nameof(Row.DistanceM))), row);
    }
}
