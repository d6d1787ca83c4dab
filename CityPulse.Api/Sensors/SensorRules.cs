using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.Api.Http;
using CityPulse.Api.Sensors.Domain;

namespace CityPulse.Api.Sensors;

/// <summary>What a sensor must be, and how a request becomes one.</summary>
internal static class SensorRules
{
    public const int MaxText = 200;
    /// <summary>A year; nothing that reports less often is a sensor.</summary>
    public const int MaxIntervalSeconds = 366 * 24 * 3600;

    /// <summary>Members of the resource that clients read and never write.</summary>
    public static readonly string[] ReadOnly = ["id", "status", "lastReading", "createdAt", "updatedAt", "version"];

    public static Validator Check(SensorRequest request)
    {
        var check = new Validator();
        check.Check(request.BuildingId is not null, "buildingId", "buildingId is required.");
        check.Required("name", request.Name, MaxText);
        check.Optional("externalId", request.ExternalId, MaxText);
        check.Check(request.ExternalId is null || request.ExternalId == request.ExternalId.Trim(), "externalId", "externalId must not begin or end with spaces.");
        CheckQuantity(check, request);
        check.OneOf("kind", request.Kind, SensorKinds.All);
        check.Check(request.IntervalSeconds is null or (>= 1 and <= MaxIntervalSeconds), "intervalSeconds", $"intervalSeconds must be from 1 to {MaxIntervalSeconds}.");
        check.Finite("minValue", request.MinValue);
        check.Finite("maxValue", request.MaxValue);
        check.Check(!(request.MinValue > request.MaxValue), "maxValue", "maxValue must not be below minValue.");
        check.OneOf("interpolation", request.Interpolation, Interpolations.All);
        check.OneOf("intervalLabel", request.IntervalLabel, IntervalLabels.All);
        check.Positive("registerMaximum", request.RegisterMaximum, double.MaxValue);
        check.Positive("ratedPowerKw", request.RatedPowerKw, 1e9);
        check.Tags("tags", request.Tags);
        if (KindOf(request) is { } kind)
        {
            check.Check(request.Interpolation is null || kind == SensorKinds.Gauge, "interpolation", "interpolation is for gauges only.");
            check.Check(request.IntervalLabel is null || kind == SensorKinds.Delta, "intervalLabel", "intervalLabel is for deltas only.");
            check.Check(request.RegisterMaximum is null || kind == SensorKinds.Counter, "registerMaximum", "registerMaximum is for counters only.");
        }

        return check;
    }

    /// <summary>Writes a request that <see cref="Check"/> found good.</summary>
    public static void Write(this Sensor sensor, SensorRequest request)
    {
        var quantity = QuantityTable.All[request.Quantity!];
        sensor.BuildingId = request.BuildingId!.Value;
        sensor.ExternalId = request.ExternalId;
        sensor.Name = request.Name!;
        sensor.Quantity = quantity.Name;
        sensor.Unit = request.Unit ?? quantity.DefaultUnit;
        sensor.Kind = request.Kind ?? quantity.DefaultKind;
        sensor.IntervalSeconds = request.IntervalSeconds ?? quantity.DefaultIntervalSeconds;
        sensor.MinValue = request.MinValue;
        sensor.MaxValue = request.MaxValue;
        sensor.Interpolation = request.Interpolation ?? Interpolations.Linear;
        sensor.IntervalLabel = request.IntervalLabel ?? IntervalLabels.Start;
        sensor.RegisterMaximum = request.RegisterMaximum;
        sensor.RatedPowerKw = request.RatedPowerKw;
        sensor.Submeter = request.Submeter ?? false;
        if (!sensor.Tags.SequenceEqual(request.Tags ?? []))
        {
            sensor.Tags = [.. request.Tags ?? []];
        }
    }

    /// <summary>
    /// The request that a merge patch makes of a sensor. A patch that changes the kind leaves the members of the
    /// former kind behind, instead of making the client remove them one by one.
    /// </summary>
    public static Parsed<SensorRequest> Patch(Sensor sensor, JsonObject patch, JsonSerializerOptions options)
    {
        var merged = MergePatch.Apply(ToRequest(sensor), patch, options);
        if (merged.Value is not { } request || KindOf(request) is not { } kind || kind == sensor.Kind)
        {
            return merged;
        }

        return new(request with
        {
            Interpolation = patch.ContainsKey("interpolation") ? request.Interpolation : null,
            IntervalLabel = patch.ContainsKey("intervalLabel") ? request.IntervalLabel : null,
            RegisterMaximum = patch.ContainsKey("registerMaximum") ? request.RegisterMaximum : null,
        }, null);
    }

    private static SensorRequest ToRequest(Sensor sensor) => new()
    {
        BuildingId = sensor.BuildingId,
        ExternalId = sensor.ExternalId,
        Name = sensor.Name,
        Quantity = sensor.Quantity,
        Unit = sensor.Unit,
        Kind = sensor.Kind,
        IntervalSeconds = sensor.IntervalSeconds,
        MinValue = sensor.MinValue,
        MaxValue = sensor.MaxValue,
        Interpolation = sensor.Kind == SensorKinds.Gauge ? sensor.Interpolation : null,
        IntervalLabel = sensor.Kind == SensorKinds.Delta ? sensor.IntervalLabel : null,
        RegisterMaximum = sensor.RegisterMaximum,
        RatedPowerKw = sensor.RatedPowerKw,
        Submeter = sensor.Submeter,
        Tags = sensor.Tags,
    };

    private static void CheckQuantity(Validator check, SensorRequest request)
    {
        if (request.Quantity is null)
        {
            check.Fail("quantity", "quantity is required.");
        }
        else if (!QuantityTable.All.TryGetValue(request.Quantity, out var quantity))
        {
            check.Fail("quantity", $"quantity must be one of {string.Join(", ", QuantityTable.All.Keys.Order())}.");
        }
        else if (request.Unit is { } unit)
        {
            check.Optional("unit", unit, MaxText);
            check.Check(quantity.Allows(unit), "unit", $"unit of {quantity.Name} must be one of {string.Join(", ", quantity.Units.Keys.Order())}.");
        }
    }

    private static string? KindOf(SensorRequest request) =>
        request.Kind ?? (request.Quantity is { } name && QuantityTable.All.TryGetValue(name, out var quantity) ? quantity.DefaultKind : null);
}
