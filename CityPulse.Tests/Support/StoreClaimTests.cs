using Shouldly;

namespace CityPulse.Tests.Support;

public sealed class StoreClaimTests
{
    [Fact]
    public async Task A_data_folder_in_use_is_left_alone_and_one_left_behind_is_taken_over()
    {
        var data = Path.Combine(Path.GetTempPath(), $"citypulse-claim-{Guid.NewGuid():N}", "postgres");
        string[] arguments = ["postgres", "--data", data, "--no-fsync"];
        try
        {
            var first = await StoreProcess.StartAsync(arguments, "test");
            var refused = await Should.ThrowAsync<InvalidOperationException>(() => StoreProcess.StartAsync(arguments, "test"));
            refused.Message.ShouldContain("Another CityPulse runs on the data");

            await first.KillAsync();
            await using var second = await StoreProcess.StartAsync(arguments, "test");
            second.Port.ShouldNotBe(first.Port);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(data)!, recursive: true);
        }
    }
}
