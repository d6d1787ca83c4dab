namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>How far one rule has come on one subject: the machine's state after the last reading, and from where on it judges.</summary>
internal sealed class Track
{
    private const byte Format = 1;

    public required Guid RuleId { get; init; }
    public required int Revision { get; init; }

    /// <summary>Readings from here on are judged; moves back when an older reading arrives.</summary>
    public required long JudgedFrom { get; set; }

    /// <summary>
    /// It never moves back beyond this: what lies before has been judged by an earlier revision of the rule, and no episode shall have two alerts.
    /// </summary>
    public required long Floor { get; init; }

    /// <summary>From when on silence counts where no reading has come.</summary>
    public required long Anchor { get; init; }

    /// <summary>The last reading that <see cref="State"/> has seen; <see cref="long.MinValue"/> for none.</summary>
    public long HeadAt { get; set; } = long.MinValue;

    /// <summary>Empty for a machine at its beginning.</summary>
    public byte[] State { get; set; } = [];

    /// <summary>Readings since the last checkpoint.</summary>
    public int SinceCheckpoint { get; set; }

    public static byte[] Save(IReadOnlyCollection<Track> tracks)
    {
        using var buffer = new MemoryStream(64 + (tracks.Count * 128));
        using var writer = new BinaryWriter(buffer);
        writer.Write(Format);
        writer.Write7BitEncodedInt(tracks.Count);
        Span<byte> id = stackalloc byte[16];
        foreach (var track in tracks)
        {
            track.RuleId.TryWriteBytes(id);
            writer.Write(id);
            writer.Write7BitEncodedInt(track.Revision);
            writer.Write(track.JudgedFrom);
            writer.Write(track.Floor);
            writer.Write(track.Anchor);
            writer.Write(track.HeadAt);
            writer.Write7BitEncodedInt(track.SinceCheckpoint);
            writer.Write7BitEncodedInt(track.State.Length);
            writer.Write(track.State);
        }

        writer.Flush();
        return buffer.ToArray();
    }

    public static Dictionary<Guid, Track> Load(byte[] saved)
    {
        using var reader = new BinaryReader(new MemoryStream(saved));
        if (reader.ReadByte() != Format)
        {
            throw new InvalidDataException("The tracks of a sensor were saved in an unknown form.");
        }

        var tracks = new Dictionary<Guid, Track>();
        for (var count = reader.Read7BitEncodedInt(); count > 0; count--)
        {
            var track = new Track
            {
                RuleId = new Guid(reader.ReadBytes(16)),
                Revision = reader.Read7BitEncodedInt(),
                JudgedFrom = reader.ReadInt64(),
                Floor = reader.ReadInt64(),
                Anchor = reader.ReadInt64(),
                HeadAt = reader.ReadInt64(),
                SinceCheckpoint = reader.Read7BitEncodedInt(),
            };
            track.State = reader.ReadBytes(reader.Read7BitEncodedInt());
            tracks.Add(track.RuleId, track);
        }

        return tracks;
    }
}
