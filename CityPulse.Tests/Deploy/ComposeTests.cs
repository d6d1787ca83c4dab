using System.Text.RegularExpressions;
using CityPulse.Deploy;
using Shouldly;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace CityPulse.Tests.Deploy;

/// <summary>The file for one host keeps the rules of the cluster, and gives the services what the manifest gives them.</summary>
public sealed partial class ComposeTests
{
    private static readonly string File = Path.Combine(DeployTree.Repository, "deploy", "compose", "compose.yaml");

    private static readonly Dictionary<string, string> Migrations = new() { ["api"] = "migrate", ["aigateway"] = "migrate-ai" };

    [Fact]
    public void It_keeps_all_rules() => Broken(Read()).ShouldBeEmpty();

    [Theory]
    [InlineData("image: docker.io/library/redis:8.2", "image: docker.io/library/redis", "redis: its image is not one build")]
    [InlineData("postgres:17.6", "postgres:latest", "postgres: its image is not one build")]
    [InlineData("user: '1654:1654'", "user: root", "api: it runs as root")]
    [InlineData("user: '999:999'", "init: true", "postgres: it runs as root")]
    [InlineData("read_only: true", "read_only: false", "api: it may write to its image")]
    [InlineData("cap_drop: [ALL]", "cap_drop: []", "redis: it keeps capabilities")]
    [InlineData("security_opt: [no-new-privileges:true]", "security_opt: []", "api: it may gain privileges")]
    [InlineData("test: [CMD, dotnet, CityPulse.Realtime.dll, '--Probe:Path=/health/ready']", "disable: true", "realtime: it has no health check")]
    [InlineData("CityPulse.Realtime.dll, '--Probe:Path=/health/ready'", "CityPulse.Realtime.dll, '--Probe:Path=/health'", "realtime: it is not asked whether it is ready")]
    [InlineData("Internal__Key: ${SECRET_INTERNAL_KEY:?it is missing in secrets.env}", "Internal__Key: guess", "api: the value of Internal__Key is in plain sight")]
    [InlineData("internal: true", "internal: false", "the stores have a way out")]
    [InlineData("networks: [stores]", "ports: ['5432:5432']", "postgres: it is reached from outside")]
    [InlineData("${CITYPULSE_ADDRESS:-127.0.0.1}:", "", "api: it listens to everybody")]
    [InlineData("stop_grace_period: 45s", "stop_grace_period: 10s", "realtime: it is killed before it has drained")]
    [InlineData("services__realtime__http__0: http://realtime:8080", "services__realtime__http__0: http://realtime:80", "api: services__realtime__http__0 is not what the manifest says")]
    [InlineData("migrate: { condition: service_completed_successfully }\n      redis", "migrate: { condition: service_started }\n      redis", "api: it does not wait for the migration")]
    [InlineData("migrate-ai: { condition: service_completed_successfully }", "migrate-ai: { condition: service_started }", "aigateway: it does not wait for the migration")]
    [InlineData("Migrations__AtStart: 'false'", "Migrations__AtStart: 'true'", "aigateway: it does not wait for the migration")]
    [InlineData("Maximum Pool Size=60", "Maximum Pool Size=100", "sessions")]
    public void What_breaks_a_rule_is_found(string text, string instead, string sentence)
    {
        var yaml = System.IO.File.ReadAllText(File);
        yaml.ShouldContain(text);
        Broken(Parse(new Regex(Regex.Escape(text)).Replace(yaml, instead.Replace("$", "$$", StringComparison.Ordinal), 1))).ShouldContain(found => found.Contains(sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void Strangers_register_only_while_the_operator_says_so_and_the_docs_tell_how()
    {
        var registration = Read()["services"]["api"]["environment"]["Auth__AllowRegistration"].Text;
        Filled(registration).ShouldBe("false");
        var name = registration[2..registration.IndexOf(':', StringComparison.Ordinal)];
        System.IO.File.ReadAllText(Path.Combine(DeployTree.Repository, "docs", "deployment.md")).ShouldContain($"`{name}=true compose up -d`");
    }

    private static List<string> Broken(Node compose)
    {
        var services = compose["services"].Children.ToDictionary(s => s.Key, s => s.Value);
        return
        [
            .. services.SelectMany(s => Confined(s.Value).Select(sentence => $"{s.Key}: {sentence}")),
            .. services.SelectMany(s => Watched(s.Key, s.Value).Select(sentence => $"{s.Key}: {sentence}")),
            .. services.SelectMany(s => Reached(s.Key, s.Value).Select(sentence => $"{s.Key}: {sentence}")),
            .. Manifest().SelectMany(d => Environment(d, services[d.Name!]).Select(sentence => $"{d.Name}: {sentence}")),
            .. Sessions(services),
            .. compose["networks"]["stores"]["internal"].Text == "true" ? Array.Empty<string>() : ["the stores have a way out"],
        ];
    }

    private static IEnumerable<string> Confined(Node service)
    {
        if (!PinnedImage().IsMatch(Filled(service["image"].Text)) || service["image"].Text.EndsWith(":latest", StringComparison.Ordinal))
        {
            yield return "its image is not one build";
        }

        if (!Number().IsMatch(service["user"].Text))
        {
            yield return "it runs as root";
        }

        if (service["read_only"].Text != "true")
        {
            yield return "it may write to its image";
        }

        if (!service["cap_drop"].Texts.Contains("ALL"))
        {
            yield return "it keeps capabilities";
        }

        if (!service["security_opt"].Texts.Contains("no-new-privileges:true") || service["privileged"].Text == "true")
        {
            yield return "it may gain privileges";
        }

        if (service["mem_limit"].Text.Length == 0 || service["pids_limit"].Text.Length == 0)
        {
            yield return "it has no limits";
        }

        foreach (var (name, value) in service["environment"].Children)
        {
            if (PodRules.LooksSecret().IsMatch(name) && !Reference().IsMatch(value.Text))
            {
                yield return $"the value of {name} is in plain sight";
            }
        }
    }

    private static IEnumerable<string> Watched(string name, Node service)
    {
        var test = service["healthcheck"]["test"].Texts;
        if (name.StartsWith("migrate", StringComparison.Ordinal))
        {
            yield break;
        }

        if (test.Count == 0)
        {
            yield return "it has no health check";
        }
        else if (name is "api" or "realtime" or "aigateway")
        {
            if (test is not ["CMD", "dotnet", _, "--Probe:Path=/health/ready"] || !test[2].Equals($"CityPulse.{name}.dll", StringComparison.OrdinalIgnoreCase))
            {
                yield return "it is not asked whether it is ready";
            }

            var grace = int.Parse(service["stop_grace_period"].Text.TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture);
            if (grace <= new CityPulse.ServiceDefaults.Hosting.ShutdownOptions().TimeoutSeconds + new CityPulse.Realtime.Feed.RealtimeOptions().DrainTime.TotalSeconds)
            {
                yield return "it is killed before it has drained";
            }
        }

        if (Migrations.TryGetValue(name, out var migration)
            && (service["depends_on"][migration]["condition"].Text != "service_completed_successfully" || service["environment"]["Migrations__AtStart"].Text != "false"))
        {
            yield return "it does not wait for the migration";
        }
    }

    private static IEnumerable<string> Reached(string name, Node service)
    {
        foreach (var port in service["ports"].Texts)
        {
            if (name != "api")
            {
                yield return "it is reached from outside";
            }
            else if (!Filled(port).StartsWith("127.0.0.1:", StringComparison.Ordinal))
            {
                yield return "it listens to everybody";
            }
        }

        if (name is "postgres" or "redis" && service["networks"].Texts is not ["stores"])
        {
            yield return "it is on a network with a way out";
        }
    }

    /// <summary>What the manifest says, with the secrets from variables of Compose rather than of Kubernetes.</summary>
    private static IEnumerable<string> Environment(DeploymentData wanted, Node service)
    {
        var environment = service["environment"].Children;
        foreach (var (name, value) in wanted.Env)
        {
            var given = environment.TryGetValue(name, out var node) ? Reference().Replace(node.Text, "$($1)") : null;
            // Compose bounds the pools; the rest is the same.
            if (given is null || (given != value && !given.StartsWith(value + ";Maximum Pool Size=", StringComparison.Ordinal)))
            {
                yield return $"{name} is not what the manifest says";
            }
        }
    }

    private static IEnumerable<string> Sessions(Dictionary<string, Node> services)
    {
        const int ownersPool = 4;
        // Migrations run one after the other, the first of them while an older release may still serve.
        var needed = services.Where(s => s.Key != "migrate-ai").Select(s => s.Value["environment"]["ConnectionStrings__citydb"].Text).Where(text => text.Length > 0)
            .Sum(text => ownersPool + new Npgsql.NpgsqlConnectionStringBuilder(text).MaxPoolSize);
        if (!services["postgres"]["command"].Texts.Contains("max_connections=200") || needed >= 200)
        {
            yield return $"the services may open {needed} sessions, too many";
        }
    }

    private static IEnumerable<DeploymentData> Manifest() => AspireManifest
        .Parse(System.IO.File.ReadAllText(Path.Combine(DeployTree.Repository, "CityPulse.Tests", "AppHost", "Engine", "manifest.json")))
        .Deployments(name => $"citypulse/{name}");

    /// <summary>A text with the defaults of its variables.</summary>
    private static string Filled(string text) => Default().Replace(text, "$1");

    private static Node Read() => Parse(System.IO.File.ReadAllText(File));

    private static Node Parse(string yaml) => new(new DeserializerBuilder().Build().Deserialize<object>(new MergingParser(new Parser(new StringReader(yaml)))));

    /// <summary>A part of a YAML document; what is not there is empty.</summary>
    private readonly record struct Node(object? Value)
    {
        public Node this[string name] => Value is IDictionary<object, object> map && map.TryGetValue(name, out var value) ? new Node(value) : default;

        public string Text => Value as string ?? "";

        public IReadOnlyList<string> Texts => Value is IList<object> list ? [.. list.OfType<string>()] : [];

        public IReadOnlyDictionary<string, Node> Children =>
            Value is IDictionary<object, object> map ? map.ToDictionary(m => (string)m.Key, m => new Node(m.Value)) : new Dictionary<string, Node>();
    }

    [GeneratedRegex(@"^[^\s:]+:[A-Za-z0-9_][\w.-]*$")]
    private static partial Regex PinnedImage();

    [GeneratedRegex("^[1-9][0-9]*:[1-9][0-9]*$")]
    private static partial Regex Number();

    [GeneratedRegex(@"\$\{(SECRET_[A-Z_]+):[?-][^}]*\}")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\$\{[A-Z_]+:-([^}]*)\}")]
    private static partial Regex Default();
}
