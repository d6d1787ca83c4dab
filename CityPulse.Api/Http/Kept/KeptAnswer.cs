using System.Buffers;
using System.ComponentModel;
using System.Text;
using Microsoft.Extensions.Caching.Hybrid;

namespace CityPulse.Api.Http.Kept;

/// <summary>An answer as it goes out, to be sent again.</summary>
/// <param name="HoldsUntil">When the clock alone makes it untrue.</param>
[ImmutableObject(true)]
internal sealed record KeptAnswer(string ETag, string ContentType, string Vary, DateTimeOffset HoldsUntil, ReadOnlyMemory<byte> Body);

/// <summary>How an answer lies in the shared cache.</summary>
internal sealed class KeptAnswerSerializer : IHybridCacheSerializer<KeptAnswer>
{
    public KeptAnswer Deserialize(ReadOnlySequence<byte> source)
    {
        using var reader = new BinaryReader(new MemoryStream(source.ToArray()), Encoding.UTF8);
        return new KeptAnswer(
            reader.ReadString(), reader.ReadString(), reader.ReadString(), new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero),
            reader.ReadBytes(reader.ReadInt32()));
    }

    public void Serialize(KeptAnswer value, IBufferWriter<byte> target)
    {
        using var stream = new MemoryStream(value.Body.Length + 256);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(value.ETag);
        writer.Write(value.ContentType);
        writer.Write(value.Vary);
        writer.Write(value.HoldsUntil.UtcTicks);
        writer.Write(value.Body.Length);
        writer.Write(value.Body.Span);
        writer.Flush();
        target.Write(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }
}
