using System.Globalization;
using CityPulse.Api.Http;

namespace CityPulse.Api.Buildings;

/// <summary>A box of <c>bbox=minLon,minLat,maxLon,maxLat</c>. West of a box that crosses the antimeridian is above its east.</summary>
internal sealed record Box(double West, double South, double East, double North)
{
    public bool CrossesAntimeridian => West > East;

    public static Box? Parse(Validator check, string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (Coordinates.Parse(text, 4) is not [var west, var south, var east, var north])
        {
            check.Fail("bbox", "bbox must be minLon,minLat,maxLon,maxLat.");
            return null;
        }

        check.Check(Coordinates.IsLongitude(west) && Coordinates.IsLongitude(east), "bbox", "The longitudes of bbox must be from -180 to 180.");
        check.Check(Coordinates.IsLatitude(south) && Coordinates.IsLatitude(north), "bbox", "The latitudes of bbox must be from -90 to 90.");
        check.Check(south <= north, "bbox", "bbox must not have its south above its north.");
        return new(west, south, east, north);
    }
}

/// <summary>A circle of <c>near=lon,lat</c> and <c>radiusM</c>.</summary>
internal sealed record Circle(double Longitude, double Latitude, double RadiusM)
{
    /// <summary>Mean radius of the Earth (IUGG), for distances on a sphere.</summary>
    public const double EarthRadiusM = 6_371_008.8;

    public static Circle? Parse(Validator check, string? near, double? radiusM)
    {
        if (near is null && radiusM is null)
        {
            return null;
        }

        check.Check(near is not null, "near", "near is required with radiusM.");
        check.Check(radiusM is not null, "radiusM", "radiusM is required with near.");
        check.Positive("radiusM", radiusM, Math.Ceiling(Math.PI * EarthRadiusM));
        if (near is null)
        {
            return null;
        }

        if (Coordinates.Parse(near, 2) is not [var longitude, var latitude])
        {
            check.Fail("near", "near must be lon,lat.");
            return null;
        }

        check.Check(Coordinates.IsLongitude(longitude), "near", "The longitude of near must be from -180 to 180.");
        check.Check(Coordinates.IsLatitude(latitude), "near", "The latitude of near must be from -90 to 90.");
        return new(longitude, latitude, radiusM ?? 0);
    }
}

file static class Coordinates
{
    public static bool IsLongitude(double value) => value is >= -180 and <= 180;

    public static bool IsLatitude(double value) => value is >= -90 and <= 90;

    /// <summary>Exactly <paramref name="count"/> numbers, or null.</summary>
    public static double[]? Parse(string text, int count)
    {
        var parts = text.Split(',');
        var numbers = new double[count];
        if (parts.Length != count)
        {
            return null;
        }

        for (var i = 0; i < count; i++)
        {
            if (!double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]))
            {
                return null;
            }
        }

        return numbers;
    }
}
