using System.Globalization;

namespace CityPulse.Samples.Loading;

/// <summary>A bar that grows in place on a terminal; elsewhere, where lines are kept, one line for every tenth.</summary>
internal sealed class ProgressReport(TextWriter output, bool terminal, int total, TimeProvider time)
{
    private const int Width = 30;
    private readonly Lock _lock = new();
    private readonly long _started = time.GetTimestamp();
    private int _done;
    private int _shownTenths;

    public void Add(int count)
    {
        lock (_lock)
        {
            _done += count;
            if (terminal)
            {
                output.Write('\r' + Line());
                if (_done >= total)
                {
                    output.WriteLine();
                }
            }
            else if (_done * 10L / total is var tenths && tenths > _shownTenths)
            {
                _shownTenths = (int)tenths;
                output.WriteLine(Line());
            }
        }
    }

    private string Line()
    {
        var filled = (int)((long)_done * Width / total);
        var seconds = Math.Max(time.GetElapsedTime(_started).TotalSeconds, 0.001);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"loading sample [{new string('#', filled)}{new string('.', Width - filled)}] {100L * _done / total,3} %  {_done:N0} of {total:N0} readings, {_done / seconds:N0}/s");
    }
}
