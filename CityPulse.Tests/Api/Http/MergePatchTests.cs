using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.Api.Buildings;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Json;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

public sealed class MergePatchTests
{
    /// <summary>The examples of RFC 7396, appendix A.</summary>
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", """{}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"a":"b"}""", """["c"]""", """["c"]""")]
    [InlineData("""{"a":"foo"}""", "null", "null")]
    [InlineData("""{"a":"foo"}""", "\"bar\"", "\"bar\"")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void A_document_is_merged_as_the_standard_says(string target, string patch, string expected)
    {
        var merged = MergePatch.Merge(JsonNode.Parse(target), JsonNode.Parse(patch));
        JsonNode.DeepEquals(merged, JsonNode.Parse(expected)).ShouldBeTrue($"{merged?.ToJsonString()} is not {expected}");
    }

    [Theory]
    [InlineData("""{"nam":"x"}""", "nam")]
    [InlineData("""{"nam":null}""", "nam")]
    [InlineData("""{"Name":"x"}""", "Name")]
    [InlineData("""{"address":{"town":"x"}}""", "address.town")]
    [InlineData("""{"address":{"town":null}}""", "address.town")]
    [InlineData("""{"id":"0199d6a8-0000-7000-8000-000000000000"}""", "id")]
    public void A_member_that_cannot_be_written_is_named(string patch, string path)
    {
        MergePatch.Canonicalize(JsonNode.Parse(patch)!.AsObject(), typeof(BuildingRequest), JsonDefaults.Options, out var errors).ShouldBeNull();
        errors.Keys.ShouldBe([path]);
    }

    [Fact]
    public void Bits_of_a_number_are_kept()
    {
        var patch = JsonNode.Parse("""{"floorAreaM2":1234.5678901234567}""")!.AsObject();
        var merged = MergePatch.Apply(new BuildingRequest { Name = "x" }, patch, JsonDefaults.Options);
        merged.Value!.FloorAreaM2.ShouldBe(1234.5678901234567);
        merged.Value.Name.ShouldBe("x");
        JsonSerializer.Serialize(merged.Value.FloorAreaM2).ShouldBe("1234.5678901234567");
    }
}
