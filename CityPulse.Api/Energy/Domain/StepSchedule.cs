namespace CityPulse.Api.Energy.Domain;

/// <summary>
/// Something that changes at known instants (a price, an emission factor), as the number of what holds from each instant to the
/// next; <see cref="None"/> where nothing does.
/// </summary>
internal sealed class StepSchedule
{
    public const int None = -1;

    private readonly long[] _from;
    private readonly int[] _what;

    /// <param name="changes">UTC ticks in order, each with what holds from then on. Before the first nothing holds.</param>
    public StepSchedule(IEnumerable<(long At, int What)> changes)
    {
        var (from, what) = (new List<long> { long.MinValue }, new List<int> { None });
        foreach (var change in changes)
        {
            if (change.What != what[^1])
            {
                from.Add(change.At);
                what.Add(change.What);
            }
        }

        (_from, _what) = ([.. from], [.. what]);
    }

    public int Count => _from.Length;

    /// <summary>The step that holds at an instant.</summary>
    public int Find(long at)
    {
        var found = Array.BinarySearch(_from, at);
        return found >= 0 ? found : ~found - 1;
    }

    public long FromOf(int step) => _from[step];

    public int WhatOf(int step) => _what[step];
}
