using System.Buffers;
using System.Text;
using System.Text.Json;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.OpenAi;
using CityPulse.ServiceDefaults.Json;
using Shouldly;

namespace CityPulse.Tests.AiGateway.OpenAi;

/// <summary>What is read by hand is compared with the serializer in <see cref="CompletionBodyTests"/>; here is what is written.</summary>
public sealed class PlainCompletionTests
{
    private static readonly CompletionCall[] Calls = [new(null, "c1", "function", new CompletionCalled("find", """{"id":"ü<"}""")), new(3, "c2", "function", new CompletionCalled("f", "{}"))];

    private static readonly Completion Usual = Answer("hello");

    private static readonly Completion[] Answers =
    [
        Usual,
        Answer(""), Answer(null), Answer("Grüße <b>\"'&\\\n\t\u0001 😀 \ud800 \u2028"), Answer(new string('ä', 5000)),
        Answer(null, Calls) with { SystemFingerprint = "fp" },
        Answer("so", []),
        Usual with { Fallbacks = [new Fallback("p/a", "timeout"), new Fallback("p/b", "server_error")] },
        Usual with { Citations = [], UnverifiedNumbers = [] },
        Usual with { Citations = [new Citation("get_energy", JsonElement.Parse("""{"a":[1,null]}"""), "/api/v1/x?y=1&z=ü")], UnverifiedNumbers = [1.5, -0.1, 1e300] },
        Usual with { Cached = true },
        Usual with { Choices = [] },
        Usual with { Choices = [Usual.Choices[0], Usual.Choices[0] with { Index = 1, FinishReason = "length" }] },
        Usual with { Usage = new CompletionUsage(0, long.MaxValue, -1) },
    ];

    [Fact]
    public void An_answer_is_written_as_its_record_says()
    {
        foreach (var answer in Answers)
        {
            var written = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(written))
            {
                PlainCompletion.Write(json, answer, JsonDefaults.Options);
            }

            Encoding.UTF8.GetString(written.WrittenSpan).ShouldBe(JsonSerializer.Serialize(answer, JsonDefaults.Options));
        }
    }

    [Fact]
    public void No_member_of_an_answer_is_forgotten()
    {
        // Whoever adds one has to write it too.
        Members<Completion>().ShouldBe(11);
        Members<CompletionChoice>().ShouldBe(4);
        Members<CompletionAnswer>().ShouldBe(4);
        Members<CompletionUsage>().ShouldBe(3);

        static int Members<T>() => JsonDefaults.Options.GetTypeInfo(typeof(T)).Properties.Count;
    }

    [Theory]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":50,"stream":false}""", true)]
    [InlineData("""{"messages":[{"content":"hi","role":"developer"},{"role":"assistant"}],"max_completion_tokens":1,"temperature":0.5}""", true)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"hi","name":"ada"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[]}]}""", false)]
    [InlineData("""{"model":"m","n":1}""", false)]
    [InlineData("""{"model":"m","model":"m"}""", false)]
    [InlineData("""{"model":null}""", false)]
    [InlineData("""{"model":"m"},""", false)]
    public void Only_what_is_plain_is_read_by_hand(string body, bool isPlain) =>
        (PlainCompletion.Read(Encoding.UTF8.GetBytes(body)) is not null).ShouldBe(isPlain);

    private static Completion Answer(string? content, IReadOnlyList<CompletionCall>? calls = null) => new(
        "chatcmpl-1", "chat.completion", 1_700_000_000, "openai/fast", [new CompletionChoice(0, new CompletionAnswer("assistant", content, null, calls), null, "stop")],
        new CompletionUsage(20, 10, 30), null, null, null, null);
}
