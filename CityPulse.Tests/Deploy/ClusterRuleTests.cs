using k8s.Models;
using Shouldly;

namespace CityPulse.Tests.Deploy;

/// <summary>The trees keep the rules, and every rule breaks when what it is about is broken.</summary>
public sealed class ClusterRuleTests(DeployTree tree) : IClassFixture<DeployTree>
{
    [Fact]
    public void The_rendered_base_keeps_the_rules_of_pods() => PodRules.Broken(tree.Base()).ShouldBeEmpty();

    [Fact]
    public void Production_keeps_all_rules() => ClusterRules.Broken(tree.Production()).ShouldBeEmpty();

    [Fact]
    public void Staging_keeps_all_rules() => ClusterRules.Broken(tree.Staging()).ShouldBeEmpty();

    [Fact]
    public void Production_on_managed_stores_keeps_all_rules() => ClusterRules.Broken(tree.Managed()).ShouldBeEmpty();

    [Fact]
    public void What_the_types_of_kubernetes_do_not_know_is_refused() =>
        Should.Throw<Exception>(() => Cluster.Parse(
            """
            apiVersion: v1
            kind: Service
            metadata:
              name: api
            spec:
              selectors:
                app: api
            """)).Message.ShouldContain("selectors");

    /// <summary>In the base too, where there is no kubectl.</summary>
    [Theory]
    [MemberData(nameof(BrokenPods))]
    public void A_broken_pod_is_found(string broken, string sentence)
    {
        var cluster = tree.Base();
        Breaks[broken](cluster);
        PodRules.Broken(cluster).ShouldHaveSingleItem().ShouldContain(sentence);
    }

    [Theory]
    [MemberData(nameof(BrokenClusters))]
    public void A_broken_cluster_is_found(string broken, string sentence)
    {
        var cluster = tree.Production();
        Breaks[broken](cluster);
        ClusterRules.Broken(cluster).ShouldContain(found => found.Contains(sentence, StringComparison.Ordinal));
    }

    public static TheoryData<string, string> BrokenPods => new()
    {
        { "startup probe removed", "no startup probe" },
        { "readiness probe removed", "no readiness probe" },
        { "liveness probe removed", "no liveness probe" },
        { "readiness probe at the wrong path", "probed for readiness elsewhere" },
        { "store's probe removed", "StatefulSet postgres, container postgres has no liveness probe" },
        { "root", "may run as root" },
        { "user 0", "may run as root" },
        { "writable image", "may write to its image" },
        { "privileges", "may gain privileges" },
        { "capabilities kept", "keeps capabilities" },
        { "capability added", "keeps capabilities" },
        { "no seccomp", "seccomp" },
        { "token", "service account's token" },
        { "node's network", "reaches into its node" },
        { "no tag", "'ghcr.io/acme/citypulse/api', which is not one build" },
        { "latest", "which is not one build" },
        { "no memory limit", "no limit of memory" },
        { "no cpu request", "no request of cpu" },
        { "secret as a value", "the value of Auth__KeyEncryptionKey in plain sight" },
        { "reference before its variable", "which is not defined before it" },
        { "one replica", "fewer than 3 replicas" },
        { "recreate", "takes replicas away" },
        { "no budget", "no disruption budget" },
        { "not spread", "not spread over kubernetes.io/hostname" },
        { "short grace", "killed before it has drained" },
        { "drain longer than the shutdown", "killed before it has drained" },
        { "neighbour gone", "looks for http://realtime:8080/, where no service is" },
    };

    public static TheoryData<string, string> BrokenClusters => new()
    {
        { "startup probe removed", "no startup probe" },
        { "root", "may run as root" },
        { "no tag", "which is not one build" },
        { "secret in a ConfigMap by name", "ConfigMap citypulse-settings" },
        { "secret in a ConfigMap by value", "has a secret: Harmless" },
        { "secret key gone", "wants SECRET_INTERNAL_KEY" },
        { "ConfigMap gone", "wants ConfigMap" },
        { "no default deny", "do not deny by default" },
        { "no policy at all", "allow anywhere → api:8081" },
        { "ingress to realtime", "allow ingress-nginx → realtime:8080" },
        { "anybody to postgres", "allow realtime → postgres:5432" },
        { "realtime forgotten", "forbid api → realtime:8080" },
        { "no TLS", "without TLS" },
        { "no certificate", "asks for certificate" },
        { "ingress past the edge", "past the edge" },
        { "no way to sockets", "No ingress leads to /ws" },
        { "short socket timeout", "gives up before the edge" },
        { "no scaling on CPU", "does not scale on CPU" },
        { "no scaling on connections", "does not scale on connections" },
        { "number against the autoscaler", "undoes its autoscaler" },
        { "no migration", "no migration" },
        { "migration of another build", "The migration of api is not of its build" },
        { "gateway's migration of another build", "The migration of aigateway is not of its build" },
        { "gateway's migration gone", "not one of the city and then one of the AI gateway" },
        { "migration with other variables", "The migration of aigateway has other variables" },
        { "gateway that migrates itself", "aigateway migrates when it starts" },
        { "too many sessions", "sessions, but PostgreSQL allows" },
        { "placeholder", "placeholder" },
    };

    private static readonly Dictionary<string, Action<Cluster>> Breaks = new()
    {
        ["startup probe removed"] = c => Api(c).StartupProbe = null,
        ["readiness probe removed"] = c => Api(c).ReadinessProbe = null,
        ["liveness probe removed"] = c => Api(c).LivenessProbe = null,
        ["readiness probe at the wrong path"] = c => Api(c).ReadinessProbe.HttpGet.Path = "/health",
        ["store's probe removed"] = c => c.Get<V1StatefulSet>("postgres").Spec.Template.Spec.Containers[0].LivenessProbe = null,
        ["root"] = c => ApiPod(c).SecurityContext.RunAsNonRoot = null,
        ["user 0"] = c => Api(c).SecurityContext.RunAsUser = 0,
        ["writable image"] = c => Api(c).SecurityContext.ReadOnlyRootFilesystem = null,
        ["privileges"] = c => Api(c).SecurityContext.AllowPrivilegeEscalation = null,
        ["capabilities kept"] = c => Api(c).SecurityContext.Capabilities.Drop = [],
        ["capability added"] = c => Api(c).SecurityContext.Capabilities.Add = ["NET_ADMIN"],
        ["no seccomp"] = c => ApiPod(c).SecurityContext.SeccompProfile = null,
        ["token"] = c => ApiPod(c).AutomountServiceAccountToken = null,
        ["node's network"] = c => ApiPod(c).HostNetwork = true,
        ["no tag"] = c => Api(c).Image = "ghcr.io/acme/citypulse/api",
        ["latest"] = c => Api(c).Image = "ghcr.io/acme/citypulse/api:latest",
        ["no memory limit"] = c => Api(c).Resources.Limits.Remove("memory"),
        ["no cpu request"] = c => Api(c).Resources.Requests.Remove("cpu"),
        ["secret as a value"] = c => Variable(Api(c), "Auth__KeyEncryptionKey").Value = "c2VjcmV0",
        ["reference before its variable"] = c => MoveToEnd(Api(c), "SECRET_INTERNAL_KEY"),
        ["one replica"] = c => c.Get<V1Deployment>("api").Spec.Replicas = 1,
        ["recreate"] = c => c.Get<V1Deployment>("api").Spec.Strategy = new V1DeploymentStrategy { Type = "Recreate" },
        ["no budget"] = c => c.Remove<V1PodDisruptionBudget>(b => b.Name() == "api"),
        ["not spread"] = c => ApiPod(c).TopologySpreadConstraints = [.. ApiPod(c).TopologySpreadConstraints.Where(s => s.TopologyKey != "kubernetes.io/hostname")],
        ["short grace"] = c => ApiPod(c).TerminationGracePeriodSeconds = 30,
        ["drain longer than the shutdown"] = c => Variable(Api(c), "Shutdown__DrainSeconds").Value = "30",
        ["neighbour gone"] = c => c.Get<V1Service>("realtime").Spec.Ports.RemoveAt(0),
        ["secret in a ConfigMap by name"] = c => c.All<V1ConfigMap>()[0].Data["Smtp__Password"] = "x",
        ["secret in a ConfigMap by value"] = c => c.All<V1ConfigMap>()[0].Data["Harmless"] = $"key {System.Text.Encoding.UTF8.GetString(c.All<V1Secret>()[0].Data["SECRET_INTERNAL_KEY"])}",
        ["secret key gone"] = c => c.All<V1Secret>()[0].Data.Remove("SECRET_INTERNAL_KEY"),
        ["ConfigMap gone"] = c => c.Remove<V1ConfigMap>(_ => true),
        ["no default deny"] = c => c.Remove<V1NetworkPolicy>(p => p.Name() == "default-deny"),
        ["no policy at all"] = c => c.Remove<V1NetworkPolicy>(_ => true),
        ["ingress to realtime"] = c => c.Get<V1NetworkPolicy>("realtime").Spec.Ingress.Add(c.Get<V1NetworkPolicy>("api").Spec.Ingress[0]),
        ["anybody to postgres"] = c =>
        {
            c.Get<V1NetworkPolicy>("postgres").Spec.Ingress[0].FromProperty = null;
            c.Get<V1NetworkPolicy>("realtime").Spec.Egress.Add(new V1NetworkPolicyEgressRule());
        },
        ["realtime forgotten"] = c => c.Get<V1NetworkPolicy>("realtime").Spec.Ingress.Clear(),
        ["no TLS"] = c => c.Get<V1Ingress>("citypulse").Spec.Tls = null,
        ["no certificate"] = c => c.Get<V1Ingress>("citypulse").Metadata.Annotations.Remove("cert-manager.io/cluster-issuer"),
        ["ingress past the edge"] = c => c.Get<V1Ingress>("citypulse-streams").Spec.Rules[0].Http.Paths[0].Backend.Service.Name = "realtime",
        ["no way to sockets"] = c => c.Get<V1Ingress>("citypulse-streams").Spec.Rules[0].Http.Paths.RemoveAt(0),
        ["short socket timeout"] = c => c.Get<V1Ingress>("citypulse-streams").Metadata.Annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] = "60",
        ["no scaling on CPU"] = c => c.Remove<V2HorizontalPodAutoscaler>(h => h.Name() == "api"),
        ["no scaling on connections"] = c => c.Get<V2HorizontalPodAutoscaler>("realtime").Spec.Metrics[0].Pods.Metric.Name = "connections",
        ["number against the autoscaler"] = c => c.Get<V1Deployment>("api").Spec.Replicas = 3,
        ["no migration"] = c => c.Remove<V1Job>(_ => true),
        ["migration of another build"] = c => c.Get<V1Job>("migrate").Spec.Template.Spec.InitContainers[0].Image = "ghcr.io/acme/citypulse/api:1.3.0",
        ["gateway's migration of another build"] = c => c.Get<V1Job>("migrate").Spec.Template.Spec.Containers[0].Image = "ghcr.io/acme/citypulse/aigateway:1.3.0",
        ["gateway's migration gone"] = c => c.Get<V1Job>("migrate").Spec.Template.Spec.InitContainers.Clear(),
        ["migration with other variables"] = c => c.Get<V1Job>("migrate").Spec.Template.Spec.Containers[0].Env.RemoveAt(0),
        ["gateway that migrates itself"] = c => Variable(c.Get<V1Deployment>("aigateway").Spec.Template.Spec.Containers[0], "Migrations__AtStart").Value = "true",
        ["too many sessions"] = c => c.Get<V2HorizontalPodAutoscaler>("api").Spec.MaxReplicas = 60,
        ["placeholder"] = c => c.Get<V1Ingress>("citypulse").Spec.IngressClassName = "replaced",
    };

    private static V1PodSpec ApiPod(Cluster cluster) => cluster.Get<V1Deployment>("api").Spec.Template.Spec;

    private static V1Container Api(Cluster cluster) => ApiPod(cluster).Containers[0];

    private static V1EnvVar Variable(V1Container container, string name) => container.Env.Single(e => e.Name == name);

    private static void MoveToEnd(V1Container container, string name)
    {
        var variable = Variable(container, name);
        container.Env.Remove(variable);
        container.Env.Add(variable);
    }
}
