using System.Security.Cryptography;
using CityPulse.Backup;
using CityPulse.Backup.Sealing;
using Shouldly;

namespace CityPulse.Tests.Backup;

public sealed class SealedFileTests
{
    private static readonly BackupKey Key = BackupKey.Parse(Convert.ToBase64String(new byte[32]));
    private static readonly BackupKey AnotherKey = BackupKey.Parse(Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 32)]));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(SealedFile.ChunkLength - 1)]
    [InlineData(SealedFile.ChunkLength)]
    [InlineData(SealedFile.ChunkLength + 1)]
    [InlineData((3 * SealedFile.ChunkLength) + 5)]
    public async Task What_was_sealed_is_what_is_opened(int length)
    {
        var content = RandomNumberGenerator.GetBytes(length);
        var box = await SealAsync(content);
        (await OpenAsync(box)).ShouldBe(content);
        (await SealAsync(content)).ShouldNotBe(box);
    }

    [Fact]
    public async Task Another_key_opens_nothing()
    {
        var box = await SealAsync(new byte[100]);
        using var output = new MemoryStream();
        await Should.ThrowAsync<BackupException>(() => SealedFile.OpenAsync(AnotherKey, new MemoryStream(box), output, Cancel));
        output.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_changed_bit_is_refused_wherever_it_is()
    {
        var box = await SealAsync(RandomNumberGenerator.GetBytes(SealedFile.ChunkLength + 100));
        foreach (var at in (int[])[0, 8, SealedFile.HeaderLength - 1, SealedFile.HeaderLength, 30_000, SealedFile.HeaderLength + SealedFile.ChunkLength, box.Length - 1])
        {
            var changed = box.ToArray();
            changed[at] ^= 1;
            await Should.ThrowAsync<BackupException>(() => OpenAsync(changed), $"byte {at}");
        }
    }

    [Fact]
    public async Task A_file_that_was_cut_off_is_refused_also_between_two_chunks()
    {
        var box = await SealAsync(RandomNumberGenerator.GetBytes(2 * SealedFile.ChunkLength));
        var first = SealedFile.HeaderLength + SealedFile.ChunkLength + SealedFile.TagLength;
        foreach (var length in (int[])[0, 10, SealedFile.HeaderLength, SealedFile.HeaderLength + 7, first, first + 1, box.Length - 1])
        {
            await Should.ThrowAsync<BackupException>(() => OpenAsync(box[..length]), $"{length} bytes");
        }

        await Should.ThrowAsync<BackupException>(() => OpenAsync([.. box, 0]));
    }

    [Fact]
    public async Task Chunks_in_another_order_or_of_another_file_are_refused()
    {
        const int sealedChunk = SealedFile.ChunkLength + SealedFile.TagLength;
        var (one, two) = (await SealAsync(new byte[3 * SealedFile.ChunkLength]), await SealAsync(new byte[3 * SealedFile.ChunkLength]));
        var (start, second, third) = (SealedFile.HeaderLength, SealedFile.HeaderLength + sealedChunk, SealedFile.HeaderLength + (2 * sealedChunk));
        await Should.ThrowAsync<BackupException>(() => OpenAsync([.. one[..start], .. one[second..third], .. one[start..second], .. one[third..]]));
        await Should.ThrowAsync<BackupException>(() => OpenAsync([.. one[..second], .. two[second..third], .. one[third..]]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    public void A_key_that_is_not_32_bytes_is_refused_with_what_makes_one(string text) =>
        Should.Throw<BackupException>(() => BackupKey.Parse(text)).Message.ShouldContain("openssl rand -base64 32");

    private static async Task<byte[]> SealAsync(byte[] content)
    {
        using var output = new MemoryStream();
        await SealedFile.SealAsync(Key, new MemoryStream(content), output, Cancel);
        return output.ToArray();
    }

    private static async Task<byte[]> OpenAsync(byte[] box)
    {
        using var output = new MemoryStream();
        await SealedFile.OpenAsync(Key, new MemoryStream(box), output, Cancel);
        return output.ToArray();
    }
}
