using System.Text.RegularExpressions;
using CityPulse.Deploy;
using CityPulse.Realtime.Feed;
using CityPulse.Tests.Support;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.Deploy;

public sealed partial class ManifestTreeTests(DeployTree tree) : IClassFixture<DeployTree>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void The_base_has_the_layout_of_aspirate()
    {
        var folder = Path.Combine(tree.Folder, "base");
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal).ShouldBe(
        [
            "aigateway/deployment.yaml", "aigateway/kustomization.yaml", "aigateway/service.yaml",
            "api/deployment.yaml", "api/kustomization.yaml", "api/service.yaml",
            "kustomization.yaml",
            "postgres/kustomization.yaml", "postgres/service.yaml", "postgres/statefulset.yaml",
            "realtime/deployment.yaml", "realtime/kustomization.yaml", "realtime/service.yaml",
            "redis/kustomization.yaml", "redis/service.yaml", "redis/statefulset.yaml",
        ]);
        tree.Log.ToString().ShouldContain("ghcr.io/acme/citypulse/aigateway:1.4.0");
    }

    [Fact]
    public void Templates_ask_for_nothing_but_what_aspirate_gives()
    {
        // Members of aspirate's KubernetesDeploymentData and of what it lists, and the helpers that Handlebars itself has.
        string[] known =
        [
            "name", "namespace", "withNamespace", "containerImage", "imagePullPolicy", "entrypoint", "isProject", "withPrivateRegistry",
            "hasArgs", "args", "hasPorts", "ports", "internalPort", "hasVolumes", "volumes", "target", "env", "manifests", "this", "@key",
        ];
        foreach (var template in Directory.EnumerateFiles(Path.Combine(DeployTree.Repository, "deploy", "aspirate"), "*.hbs"))
        {
            foreach (Match tag in Tag().Matches(Comment().Replace(File.ReadAllText(template), "")))
            {
                var words = tag.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words[0] is "/if" or "/each")
                {
                    continue;
                }

                var name = words[0] is "#if" or "#each" ? words[1] : words[0];
                known.ShouldContain(name.Split('.')[0], $"{Path.GetFileName(template)}: {tag.Value}");
            }
        }
    }

    [Fact]
    public void A_connection_string_keeps_its_secret_for_the_cluster()
    {
        var env = tree.Base().Get<V1Deployment>("api").Spec.Template.Spec.Containers[0].Env.Where(e => e.Value is not null).ToDictionary(e => e.Name, e => e.Value);
        env["ConnectionStrings__citydb"].ShouldBe("Host=postgres;Port=5432;Username=postgres;Password=$(SECRET_POSTGRES_PASSWORD);Database=citydb");
        env["ConnectionStrings__redis"].ShouldBe("redis:6379,password=$(SECRET_REDIS_PASSWORD)");
        env["services__aigateway__internal__0"].ShouldBe("http://aigateway:8081");
        env["HTTP_PORTS"].ShouldBe("8080");
    }

    [Fact]
    public void A_service_is_given_only_the_secrets_that_it_uses() =>
        tree.Base().Get<V1Deployment>("realtime").Spec.Template.Spec.Containers[0].Env.Where(e => e.ValueFrom is not null).Select(e => e.Name)
            .ShouldBe(["SECRET_REDIS_PASSWORD", "SECRET_INTERNAL_KEY"]);

    [Fact]
    public void Volumes_are_as_large_as_the_overlay_says()
    {
        Sizes(tree.Production()).ShouldBe(["200Gi", "4Gi"]);
        Sizes(tree.Staging()).ShouldBe(["20Gi", "1Gi"]);

        static IEnumerable<string> Sizes(Cluster cluster) => cluster.All<V1StatefulSet>().OrderBy(s => s.Name(), StringComparer.Ordinal)
            .Select(s => s.Spec.VolumeClaimTemplates.Single().Spec.Resources.Requests["storage"].ToString());
    }

    [Fact]
    public void On_managed_stores_nothing_of_them_is_left_here_and_the_services_take_the_given_connections()
    {
        var cluster = tree.Managed();
        cluster.All<V1StatefulSet>().ShouldBeEmpty();
        cluster.All<V1Service>().Select(s => s.Name()).ShouldBe(["api", "realtime", "aigateway"], ignoreOrder: true);
        foreach (var container in cluster.Containers())
        {
            var env = container.Spec.Env.Where(e => e.Value is not null).ToDictionary(e => e.Name, e => e.Value);
            env["ConnectionStrings__redis"].ShouldBe("$(SECRET_REDIS_CONNECTION)", container.Where);
            env.GetValueOrDefault("ConnectionStrings__citydb", "$(SECRET_CITYDB_CONNECTION)").ShouldBe("$(SECRET_CITYDB_CONNECTION)", container.Where);
            container.Spec.Env.ShouldNotContain(e => e.Name == "SECRET_POSTGRES_PASSWORD" || e.Name == "SECRET_REDIS_PASSWORD");
        }

        var traffic = new Traffic(cluster);
        traffic.PodToInternet("realtime", 5432).ShouldBeTrue("the policies know ports only");
        traffic.PodToInternet("realtime", 443).ShouldBeFalse();
    }

    [Fact]
    public void Certificates_can_be_proved_and_nothing_else_of_the_ingress_comes_past_the_api()
    {
        var traffic = new Traffic(tree.Production());
        traffic.NamespaceToPod("ingress-nginx", new Dictionary<string, string> { ["acme.cert-manager.io/http01-solver"] = "true" }, 8089).ShouldBeTrue();
        traffic.NamespaceToPod("ingress-nginx", "api", 8081).ShouldBeFalse();
    }

    [Fact]
    public void The_namespaces_refuse_pods_that_are_not_restricted()
    {
        foreach (var cluster in (Cluster[])[tree.Production(), tree.Staging()])
        {
            cluster.All<V1Namespace>().Single().Labels()["pod-security.kubernetes.io/enforce"].ShouldBe("restricted");
        }
    }

    [Fact]
    public async Task The_autoscaler_of_realtime_asks_for_a_metric_that_realtime_has()
    {
        var metric = tree.Production().Get<V2HorizontalPodAutoscaler>("realtime").Spec.Metrics.Single().Pods.Metric.Name;
        await using var host = await DefaultsHost.StartAsync(
            configure: builder => builder.Services.AddSingleton<FeedMetrics>(), settings: new() { ["INTERNAL_HTTP_PORT"] = "0" });
        host.Services.GetRequiredService<FeedMetrics>().Connected();
        using var inside = host.CreateClient(1);

        await Eventually.TrueAsync(
            async () => (await inside.GetStringAsync("/metrics", Cancel)).Split('\n').Any(line => line.StartsWith($"{metric}{{", StringComparison.Ordinal)),
            $"/metrics has {metric}");
    }

    [Fact]
    public void An_image_is_called_as_the_build_of_images_calls_it()
    {
        foreach (var service in (string[])["Api", "Realtime", "AiGateway"])
        {
            var name = tree.Base().Get<V1Deployment>(service.ToLowerInvariant()).Spec.Template.Spec.Containers[0].Image;
            name.ShouldBe($"ghcr.io/acme/citypulse/{service.ToLowerInvariant()}:1.4.0");
        }
    }

    [Fact]
    public void A_second_run_leaves_nothing_of_the_first_and_a_folder_of_somebody_else_as_it_is()
    {
        var folder = Directory.CreateTempSubdirectory("citypulse-tree-").FullName;
        var options = new ManifestOptions(
            Path.Combine(DeployTree.Repository, "CityPulse.Tests", "AppHost", "Engine", "manifest.json"), Path.Combine(DeployTree.Repository, "deploy"), folder, null, null);
        ManifestTree.Write(options, TextWriter.Null);
        Directory.CreateDirectory(Path.Combine(folder, "base", "gone"));
        ManifestTree.Write(options, TextWriter.Null);
        Directory.Exists(Path.Combine(folder, "base", "gone")).ShouldBeFalse();
        File.ReadAllText(Path.Combine(folder, "base", "api", "deployment.yaml")).ShouldMatch(@"image: registry\.example\.com/citypulse/api:\d+\.\d+\.\d+");

        File.Delete(Path.Combine(folder, "base", "kustomization.yaml"));
        Should.Throw<DeployException>(() => ManifestTree.Write(options, TextWriter.Null)).Message.ShouldContain("was not written by this command");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_numbers_that_the_docs_let_a_reader_check_are_true()
    {
        var docs = File.ReadAllText(Path.Combine(DeployTree.Repository, "docs", "deployment.md"));
        // The policy of backups is none of the overlay's.
        docs.ShouldContain($"grep -c '^kind:'` says {tree.Production().All<object>().Count - 1}.");
        docs.ShouldContain($"{Directory.EnumerateFiles(Path.Combine(tree.Folder, "base"), "*", SearchOption.AllDirectories).Count()} files of 5 resources");
    }

    [Theory]
    [InlineData("""{}""", "no resources")]
    [InlineData("""{""", "no JSON")]
    [InlineData("""{ "resources": { "x": { "type": "project.v1" } } }""", "'x' is a project.v1")]
    [InlineData("""{ "resources": { "x": { "type": "project.v0", "env": { "A": "{y.value}" } } } }""", "'y', which is no resource")]
    [InlineData("""{ "resources": { "x": { "type": "project.v0", "env": { "A": "{x.bindings.http.ipv4}" }, "bindings": { "http": { "targetPort": 1 } } } } }""", "not known here")]
    [InlineData("""{ "resources": { "x": { "type": "project.v0", "env": { "A": "{y.value}" } }, "y": { "type": "parameter.v0", "inputs": { "value": {} } } } }""", "nobody knows its value")]
    public void A_manifest_that_cannot_be_understood_is_refused_with_a_reason(string json, string reason) =>
        Should.Throw<DeployException>(() => AspireManifest.Parse(json).Deployments(name => name).ToList()).Message.ShouldContain(reason);

    [GeneratedRegex(@"\{\{\{?([^{}]+)\}?\}\}")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\{\{!--.*?--\}\}")]
    private static partial Regex Comment();
}
