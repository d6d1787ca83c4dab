using System.Globalization;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>Puts the bad rows of a batch into words, the first ones only.</summary>
internal static class RowErrors
{
    private const int MaxNameLength = 200;

    public static IReadOnlyList<RowError> Of(IngestBatch batch, OrganizationSensors sensors)
    {
        var errors = new List<RowError>();
        var rows = batch.Rows;
        for (var i = 0; i < rows.Length && errors.Count < IngestLimits.MaxErrors; i++)
        {
            if (rows[i].Fault != RowFault.None)
            {
                var name = batch.Names.ToText(rows[i].Name);
                errors.Add(new RowError(
                    i, name.Length <= MaxNameLength ? name : name[..MaxNameLength] + "…", rows[i].Fault.Code(), Detail(batch, i, sensors.Find(name))));
            }
        }

        return errors;
    }

    private static string Detail(IngestBatch batch, int index, SensorEntry? sensor)
    {
        ref readonly var row = ref batch.Rows[index];
        return row.Fault switch
        {
            RowFault.UnknownSensor => "There is no such sensor.",
            RowFault.NotFinite => "The value is not a finite number.",
            RowFault.OutOfRange => string.Create(
                CultureInfo.InvariantCulture, $"The value {row.Value:R} is outside the sensor's range, {Bound(sensor?.MinValue)} to {Bound(sensor?.MaxValue)}."),
            RowFault.InvalidUnit when row.Unit != 0 =>
                $"The unit {batch.Units[row.Unit]} cannot be converted to the sensor's, {sensor?.Unit}.",
            RowFault.InFuture => $"The time {Time(row.AtMicroseconds)} is more than {IngestLimits.MaxAhead.TotalMinutes:0} minutes ahead.",
            RowFault.TooOld => $"The time {Time(row.AtMicroseconds)} is before {IngestLimits.Earliest:yyyy-MM-dd}.",
            _ => batch.DetailOf(index) ?? "The row cannot be read.",
        };
    }

    private static string Bound(double? bound) => bound is { } b && double.IsFinite(b) ? b.ToString("R", CultureInfo.InvariantCulture) : "any";

    private static string Time(long microseconds) =>
        Math.Abs(microseconds) < 200_000_000_000L * Timestamp.MicrosecondsPerSecond
            && microseconds >= Timestamp.FromDateTimeOffset(DateTimeOffset.MinValue) && microseconds <= Timestamp.FromDateTimeOffset(DateTimeOffset.MaxValue)
            ? Timestamp.ToDateTimeOffset(microseconds).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)
            : "given";
}
