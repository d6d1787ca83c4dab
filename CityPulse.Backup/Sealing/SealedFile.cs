using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CityPulse.Backup.Sealing;

/// <summary>
/// AES-256-GCM over a stream of any length, in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015; age and Tink use it
/// too): chunks of 64 KiB, each with its tag, under nonces that hold the chunk's number and whether it is the last. So a chunk that is
/// changed, moved, left out or cut off is noticed before anything of it is handed on.
/// <code>header: "CPSEAL01", 32 bytes of salt    then: chunk, tag, chunk, tag … the last chunk is shorter, or as long</code>
/// </summary>
internal static class SealedFile
{
    internal const int ChunkLength = 64 * 1024;
    internal const int TagLength = 16;
    private const int SaltLength = 32;
    private const int NonceLength = 12;

    private static ReadOnlySpan<byte> Magic => "CPSEAL01"u8;

    public static int HeaderLength => Magic.Length + SaltLength;

    public static async Task SealAsync(BackupKey key, Stream plain, Stream @sealed, CancellationToken cancellationToken)
    {
        var header = new byte[HeaderLength];
        Magic.CopyTo(header);
        RandomNumberGenerator.Fill(header.AsSpan(Magic.Length));
        await @sealed.WriteAsync(header, cancellationToken);

        using var cipher = new AesGcm(key.ForFile(header.AsSpan(Magic.Length)), TagLength);
        var (current, next, output) = (new byte[ChunkLength], new byte[ChunkLength], new byte[ChunkLength + TagLength]);
        var length = await plain.ReadAtLeastAsync(current, ChunkLength, throwOnEndOfStream: false, cancellationToken);
        for (ulong number = 0; ; number++)
        {
            var following = length < ChunkLength ? 0 : await plain.ReadAtLeastAsync(next, ChunkLength, throwOnEndOfStream: false, cancellationToken);
            var isLast = following == 0;
            cipher.Encrypt(Nonce(number, isLast), current.AsSpan(0, length), output.AsSpan(0, length), output.AsSpan(length, TagLength), header);
            await @sealed.WriteAsync(output.AsMemory(0, length + TagLength), cancellationToken);
            if (isLast)
            {
                return;
            }

            (current, next, length) = (next, current, following);
        }
    }

    /// <exception cref="BackupException">Another key, or the content is not what was sealed.</exception>
    public static async Task OpenAsync(BackupKey key, Stream @sealed, Stream plain, CancellationToken cancellationToken)
    {
        var header = new byte[HeaderLength];
        if (await @sealed.ReadAtLeastAsync(header, HeaderLength, throwOnEndOfStream: false, cancellationToken) < HeaderLength || !header.AsSpan().StartsWith(Magic))
        {
            throw Damaged("its beginning is not that of a sealed file");
        }

        const int sealedLength = ChunkLength + TagLength;
        using var cipher = new AesGcm(key.ForFile(header.AsSpan(Magic.Length)), TagLength);
        var (current, next, output) = (new byte[sealedLength], new byte[sealedLength], new byte[ChunkLength]);
        var length = await @sealed.ReadAtLeastAsync(current, sealedLength, throwOnEndOfStream: false, cancellationToken);
        for (ulong number = 0; ; number++)
        {
            var following = length < sealedLength ? 0 : await @sealed.ReadAtLeastAsync(next, sealedLength, throwOnEndOfStream: false, cancellationToken);
            var isLast = following == 0;
            if (length < TagLength)
            {
                throw Damaged("it ends too early");
            }

            var content = length - TagLength;
            try
            {
                cipher.Decrypt(Nonce(number, isLast), current.AsSpan(0, content), current.AsSpan(content, TagLength), output.AsSpan(0, content), header);
            }
            catch (AuthenticationTagMismatchException)
            {
                throw Damaged(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"part {number} is not as it was written, or the key is another one"));
            }

            await plain.WriteAsync(output.AsMemory(0, content), cancellationToken);
            if (isLast)
            {
                return;
            }

            (current, next, length) = (next, current, following);
        }
    }

    private static byte[] Nonce(ulong number, bool isLast)
    {
        var nonce = new byte[NonceLength];
        BinaryPrimitives.WriteUInt64BigEndian(nonce.AsSpan(3), number);
        nonce[^1] = isLast ? (byte)1 : (byte)0;
        return nonce;
    }

    private static BackupException Damaged(string how) => new($"The backup cannot be decrypted: {how}.");
}
