using CityPulse.Tests.Realtime;
using Shouldly;

namespace CityPulse.Tests.AiGateway.OpenAi;

/// <summary>The package <c>openai</c> of npm under Node.js, where both can be had.</summary>
public sealed class NpmClientTests(ChatFixture fixture) : IClassFixture<ChatFixture>
{
    private const string Version = "6";

    [Fact]
    public async Task It_completes_streams_lists_models_and_understands_errors()
    {
        var folder = NodeScript.RequirePackage("openai", Version);
        using var node = NodeScript.Start($$"""
            import OpenAI from 'openai';
            const options = { baseURL: '{{new Uri(fixture.Gateway.BaseAddress, "/api/v1/ai/v1")}}', maxRetries: 0 };
            const client = new OpenAI({ ...options, apiKey: '{{fixture.Tokens.Issue()}}' });
            const messages = [{ role: 'user', content: 'How many buildings are there?' }];

            const whole = await client.chat.completions.create({ model: 'local', messages });
            console.log('whole ' + JSON.stringify([whole.object, whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.total_tokens > 0]));

            let text = '', reason, usage;
            for await (const chunk of await client.chat.completions.create({ model: 'local', messages, stream: true, stream_options: { include_usage: true } })) {
              text += chunk.choices[0]?.delta?.content ?? '';
              reason = chunk.choices[0]?.finish_reason ?? reason;
              usage = chunk.usage ?? usage;
            }
            console.log('stream ' + JSON.stringify([text === whole.choices[0].message.content, reason, usage.total_tokens === whole.usage.total_tokens]));

            const models = [];
            for await (const model of client.models.list()) models.push(model.id);
            console.log('models ' + models.join(' '));
            console.log('model ' + (await client.models.retrieve('local')).owned_by);

            const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
            const runner = client.chat.completions.stream({ model: 'local', messages, tools });
            console.log('runner ' + (await runner.finalContent() === whole.choices[0].message.content));

            for (const ask of [
              () => client.chat.completions.create({ model: 'nobody/nothing', messages }),
              () => client.chat.completions.create({ model: 'local', messages: [] }),
              () => new OpenAI({ ...options, apiKey: 'wrong' }).chat.completions.create({ model: 'local', messages }),
            ]) {
              try { await ask(); } catch (e) { console.log('error ' + JSON.stringify([e.constructor.name, e.status, e.code, e.param, e.type, e.message.length > 10])); }
            }
            console.log('end');
            """, folder);
        (await node.ExpectAsync("]")).ShouldMatch("""^whole \["chat.completion","There are 2 buildings\..*","stop",true\]$""");
        (await node.ExpectAsync("]")).ShouldBe("""stream [true,"stop",true]""");
        await node.ExpectAsync("models local/city-assistant local");
        await node.ExpectAsync("model local");
        await node.ExpectAsync("runner true");
        (await node.ExpectAsync("]")).ShouldBe("""error ["NotFoundError",404,"model_not_found",null,"invalid_request_error",true]""");
        (await node.ExpectAsync("]")).ShouldBe("""error ["BadRequestError",400,null,"messages","invalid_request_error",true]""");
        (await node.ExpectAsync("]")).ShouldStartWith("""error ["AuthenticationError",401,"invalid_api_key",""");
        await node.ExpectAsync("end");
    }
}
