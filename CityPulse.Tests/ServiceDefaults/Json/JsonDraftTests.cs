using System.Text;
using CityPulse.ServiceDefaults.Json;

namespace CityPulse.Tests.ServiceDefaults.Json;

public sealed class JsonDraftTests
{
    [Fact]
    public void The_writer_of_a_thread_is_used_again_and_says_nothing_twice()
    {
        Assert.Equal("""{"a":1}""", Written("a"));
        Assert.Equal("""{"b":1}""", Written("b"));
        var first = JsonDraft.ForPages();
        first.Dispose();
        using var second = JsonDraft.ForPages();
        Assert.Same(first, second);
    }

    [Fact]
    public void A_draft_that_is_begun_while_another_is_written_is_its_own()
    {
        using var outer = JsonDraft.ForReaders();
        outer.Json.WriteStartArray();
        using (var inner = JsonDraft.ForReaders())
        {
            inner.Json.WriteStringValue("inner");
            Assert.Equal("\"inner\"", Encoding.UTF8.GetString(inner.Written));
        }

        outer.Json.WriteEndArray();
        outer.Append("\n"u8);
        Assert.Equal("[]\n", Encoding.UTF8.GetString(outer.Written));
    }

    [Fact]
    public void What_was_left_half_written_is_forgotten()
    {
        using (var broken = JsonDraft.ForPages())
        {
            broken.Json.WriteStartObject();
            broken.Json.WriteString("half", "said");
        }

        Assert.Equal("""{"a":1}""", Written("a"));
    }

    [Fact]
    public void A_buffer_that_has_grown_large_is_not_kept()
    {
        var large = JsonDraft.ForPages();
        large.Json.WriteStringValue(new string('x', 100_000));
        Assert.Equal(100_002, large.Written.Length);
        large.Dispose();
        using var next = JsonDraft.ForPages();
        Assert.NotSame(large, next);
    }

    [Fact]
    public void Only_what_goes_to_pages_is_escaped_for_them()
    {
        using var page = JsonDraft.ForPages();
        page.Json.WriteStringValue("<é>");
        using var reader = JsonDraft.ForReaders();
        reader.Json.WriteStringValue("<é>");
        Assert.Equal("\"\\u003C\\u00E9\\u003E\"", Encoding.UTF8.GetString(page.Written));
        Assert.Equal("\"<é>\"", Encoding.UTF8.GetString(reader.Written));
    }

    private static string Written(string name)
    {
        using var draft = JsonDraft.ForPages();
        draft.Json.WriteStartObject();
        draft.Json.WriteNumber(name, 1);
        draft.Json.WriteEndObject();
        return Encoding.UTF8.GetString(draft.Written);
    }
}
