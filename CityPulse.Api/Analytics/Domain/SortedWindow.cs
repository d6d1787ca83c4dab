namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// The last numbers of a stream, at most so many, kept in order of size too: a quantile is a look-up, and adding is one small move.
/// Single precision is enough for a spread and halves what has to be stored.
/// </summary>
internal sealed class SortedWindow(int capacity)
{
    private readonly float[] _ring = new float[capacity];
    private readonly float[] _sorted = new float[capacity];
    private int _next;

    public int Count { get; private set; }

    public void Add(float value)
    {
        if (Count == capacity)
        {
            Remove(_ring[_next]);
        }

        _ring[_next] = value;
        _next = (_next + 1) % capacity;
        var place = Array.BinarySearch(_sorted, 0, Count, value);
        place = place < 0 ? ~place : place;
        Array.Copy(_sorted, place, _sorted, place + 1, Count - place);
        _sorted[place] = value;
        Count++;
    }

    /// <summary>The quantile <paramref name="q"/> (0..1), straight between neighbours; 0 of an empty window.</summary>
    public double Quantile(double q)
    {
        if (Count == 0)
        {
            return 0;
        }

        var place = q * (Count - 1);
        var below = (int)place;
        var rest = place - below;
        return rest == 0 ? _sorted[below] : _sorted[below] + (rest * ((double)_sorted[below + 1] - _sorted[below]));
    }

    /// <summary>The numbers in order of arrival.</summary>
    public IEnumerable<float> InOrder()
    {
        for (var age = Count; age > 0; age--)
        {
            yield return _ring[(_next + capacity - age) % capacity];
        }
    }

    /// <summary>Keeps the newest numbers only.</summary>
    public void KeepNewest(int count)
    {
        while (Count > count)
        {
            Remove(_ring[(_next + capacity - Count) % capacity]);
        }
    }

    private void Remove(float value)
    {
        var place = Array.BinarySearch(_sorted, 0, Count, value);
        Array.Copy(_sorted, place + 1, _sorted, place, Count - place - 1);
        Count--;
    }
}
