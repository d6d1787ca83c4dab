using System.Buffers;
using System.Text;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// The distinct sensor names of one batch, numbered in order of appearance: a batch names few sensors many times, so a
/// row keeps a number, and each name is looked up once.
/// </summary>
internal sealed class SensorNames : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(4096);
    private Entry[] _entries = ArrayPool<Entry>.Shared.Rent(128);
    private int[] _slots = NewSlots(256);
    private int _used;

    private readonly record struct Entry(int Start, int Length, int Hash);

    public int Count { get; private set; }

    public ReadOnlySpan<byte> this[int name] => _bytes.AsSpan(_entries[name].Start, _entries[name].Length);

    public string ToText(int name) => Encoding.UTF8.GetString(this[name]);

    /// <summary>The number of a name, a new one when it is met for the first time.</summary>
    public int Add(ReadOnlySpan<byte> name, int previous)
    {
        // Rows of one sensor mostly stand together.
        if (previous >= 0 && this[previous].SequenceEqual(name))
        {
            return previous;
        }

        var hash = Hash(name);
        var slot = hash & (_slots.Length - 1);
        for (; _slots[slot] >= 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            if (_entries[_slots[slot]].Hash == hash && this[_slots[slot]].SequenceEqual(name))
            {
                return _slots[slot];
            }
        }

        _slots[slot] = Count;
        Append(name, hash);
        if (Count * 2 > _slots.Length)
        {
            Rehash();
        }

        return Count - 1;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        ArrayPool<Entry>.Shared.Return(_entries);
        (_bytes, _entries) = ([], []);
    }

    private void Append(ReadOnlySpan<byte> name, int hash)
    {
        Grow(ref _bytes, _used, _used + name.Length);
        Grow(ref _entries, Count, Count + 1);
        name.CopyTo(_bytes.AsSpan(_used));
        _entries[Count++] = new Entry(_used, name.Length, hash);
        _used += name.Length;
    }

    private void Rehash()
    {
        var slots = NewSlots(_slots.Length * 2);
        for (var name = 0; name < Count; name++)
        {
            var slot = _entries[name].Hash & (slots.Length - 1);
            while (slots[slot] >= 0)
            {
                slot = (slot + 1) & (slots.Length - 1);
            }

            slots[slot] = name;
        }

        _slots = slots;
    }

    /// <param name="size">A power of two, as the probing wants it.</param>
    private static int[] NewSlots(int size)
    {
        var slots = new int[size];
        slots.AsSpan().Fill(-1);
        return slots;
    }

    private static void Grow<T>(ref T[] array, int used, int needed)
    {
        if (needed <= array.Length)
        {
            return;
        }

        var larger = ArrayPool<T>.Shared.Rent(Math.Max(needed, array.Length * 2));
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(array);
        array = larger;
    }

    /// <summary>Seeded by the process: names come from strangers.</summary>
    private static int Hash(ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.AddBytes(name);
        return hash.ToHashCode() & int.MaxValue;
    }
}
