using System.Globalization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace CityPulse.Tests.Deploy;

/// <summary>What every pod has to be like, whatever tree it stands in. A rule answers with sentences on what breaks it.</summary>
internal static partial class PodRules
{
    private static readonly string[] Services = ["api", "realtime", "aigateway"];

    public static IEnumerable<string> Broken(Cluster cluster) =>
    [
        .. cluster.Pods().SelectMany(Confined),
        .. cluster.Containers().SelectMany(Confined),
        .. cluster.Containers().SelectMany(PinnedImage),
        .. cluster.Containers().SelectMany(Bounded),
        .. cluster.Containers().Where(c => !c.Pod.Owner.Contains("Job", StringComparison.Ordinal)).SelectMany(Probed),
        .. cluster.Containers().SelectMany(SecretsByReference),
        .. cluster.All<V1Deployment>().SelectMany(d => Rolling(cluster, d)),
        .. cluster.Containers().SelectMany(c => Neighbours(cluster, c)),
    ];

    private static IEnumerable<string> Confined(PodTemplate pod)
    {
        if (pod.Spec.AutomountServiceAccountToken != false)
        {
            yield return $"{pod.Owner} gets a service account's token.";
        }

        if (pod.Spec.EnableServiceLinks != false)
        {
            yield return $"{pod.Owner} gets variables of every service in the namespace.";
        }

        if (pod.Spec.HostNetwork == true || pod.Spec.HostPID == true || pod.Spec.HostIPC == true || pod.Spec.Volumes?.Any(v => v.HostPath is not null) == true)
        {
            yield return $"{pod.Owner} reaches into its node.";
        }

        if (pod.Spec.SecurityContext?.SeccompProfile?.Type != "RuntimeDefault")
        {
            yield return $"{pod.Owner} is without the runtime's seccomp profile.";
        }
    }

    private static IEnumerable<string> Confined(PodContainer container)
    {
        var (pod, own) = (container.Pod.Spec.SecurityContext, container.Spec.SecurityContext);
        if ((own?.RunAsNonRoot ?? pod?.RunAsNonRoot) != true || (own?.RunAsUser ?? pod?.RunAsUser) is null or 0)
        {
            yield return $"{container.Where} may run as root.";
        }

        if (own?.ReadOnlyRootFilesystem != true)
        {
            yield return $"{container.Where} may write to its image.";
        }

        if (own?.AllowPrivilegeEscalation != false || own.Privileged == true)
        {
            yield return $"{container.Where} may gain privileges.";
        }

        if (own?.Capabilities?.Drop?.Contains("ALL") != true || own.Capabilities.Add?.Count > 0)
        {
            yield return $"{container.Where} keeps capabilities.";
        }

        if (container.Spec.VolumeMounts?.Any(m => m.MountPath == "/tmp") != true)
        {
            yield return $"{container.Where} has no /tmp to write to.";
        }
    }

    private static IEnumerable<string> PinnedImage(PodContainer container)
    {
        if (!Pinned().IsMatch(container.Spec.Image ?? "") || container.Spec.Image!.EndsWith(":latest", StringComparison.Ordinal))
        {
            yield return $"{container.Where} has the image '{container.Spec.Image}', which is not one build.";
        }
    }

    private static IEnumerable<string> Bounded(PodContainer container) =>
        from part in (string[])["cpu", "memory"]
        from bound in (IEnumerable<(string Name, IDictionary<string, ResourceQuantity>? Values)>)
            [("request", container.Spec.Resources?.Requests), ("limit", container.Spec.Resources?.Limits)]
        where bound.Values?.ContainsKey(part) != true
        select $"{container.Where} has no {bound.Name} of {part}.";

    private static IEnumerable<string> Probed(PodContainer container)
    {
        var probes = new (string Name, V1Probe? Probe, string Path)[]
        {
            ("startup", container.Spec.StartupProbe, "/health/live"),
            ("readiness", container.Spec.ReadinessProbe, "/health/ready"),
            ("liveness", container.Spec.LivenessProbe, "/health/live"),
        };
        foreach (var (name, probe, path) in probes)
        {
            if (probe is null)
            {
                yield return $"{container.Where} has no {name} probe.";
            }
            else if (Services.Contains(container.Pod.App) && (probe.HttpGet?.Path != path || probe.HttpGet.Port != "http"))
            {
                yield return $"{container.Where} is probed for {name} elsewhere than at {path} of its public port.";
            }
        }
    }

    /// <summary>A value that only the operator may know stands in a Secret, and is there before it is referred to.</summary>
    private static IEnumerable<string> SecretsByReference(PodContainer container)
    {
        var known = new HashSet<string>();
        foreach (var variable in container.Spec.Env ?? [])
        {
            if (LooksSecret().IsMatch(variable.Name) && variable.ValueFrom?.SecretKeyRef is null && !Reference().IsMatch(variable.Value ?? ""))
            {
                yield return $"{container.Where} has the value of {variable.Name} in plain sight.";
            }

            foreach (Match reference in Reference().Matches(variable.Value ?? ""))
            {
                if (!known.Contains(reference.Groups[1].Value))
                {
                    yield return $"{container.Where} refers in {variable.Name} to {reference.Groups[1].Value}, which is not defined before it.";
                }
            }

            if (!known.Add(variable.Name))
            {
                yield return $"{container.Where} defines {variable.Name} twice.";
            }
        }
    }

    private static IEnumerable<string> Rolling(Cluster cluster, V1Deployment deployment)
    {
        var where = $"Deployment {deployment.Name()}";
        var scaler = cluster.All<V2HorizontalPodAutoscaler>().SingleOrDefault(h => h.Spec.ScaleTargetRef is { Kind: "Deployment" } target && target.Name == deployment.Name());
        if ((deployment.Spec.Replicas ?? scaler?.Spec.MinReplicas ?? 1) < 3)
        {
            yield return $"{where} has fewer than 3 replicas.";
        }

        if (deployment.Spec.Strategy is not { Type: "RollingUpdate", RollingUpdate.MaxUnavailable.Value: "0" })
        {
            yield return $"{where} takes replicas away before it has new ones.";
        }

        var app = deployment.Spec.Template.Metadata.Labels["app"];
        if (!cluster.All<V1PodDisruptionBudget>().Any(b => b.Spec.Selector.MatchLabels["app"] == app && b.Spec.MaxUnavailable?.Value == "1"))
        {
            yield return $"{where} has no disruption budget.";
        }

        var spread = deployment.Spec.Template.Spec.TopologySpreadConstraints ?? [];
        foreach (var key in (string[])["kubernetes.io/hostname", "topology.kubernetes.io/zone"])
        {
            if (!spread.Any(s => s.TopologyKey == key && s.LabelSelector.MatchLabels["app"] == app))
            {
                yield return $"{where} is not spread over {key}.";
            }
        }

        var env = deployment.Spec.Template.Spec.Containers[0].Env.Where(e => e.Value is not null).ToDictionary(e => e.Name, e => e.Value);
        var drain = Seconds("Shutdown__DrainSeconds");
        var shutdown = Seconds("Shutdown__TimeoutSeconds");
        var connections = new CityPulse.Realtime.Feed.RealtimeOptions().DrainTime.TotalSeconds;
        if (drain <= 0 || drain >= shutdown || connections + shutdown >= (deployment.Spec.Template.Spec.TerminationGracePeriodSeconds ?? 30))
        {
            yield return $"{where} is killed before it has drained.";
        }

        double Seconds(string name) => env.TryGetValue(name, out var text) ? double.Parse(text, CultureInfo.InvariantCulture) : 0;
    }

    private static IEnumerable<string> Neighbours(Cluster cluster, PodContainer container) =>
        from variable in container.Spec.Env ?? []
        where variable.Name.StartsWith("services__", StringComparison.Ordinal)
        let address = new Uri(variable.Value)
        where !cluster.All<V1Service>().Any(s => s.Name() == address.Host && s.Spec.Ports.Any(p => p.Port == address.Port))
        select $"{container.Where} looks for {address}, where no service is.";

    [GeneratedRegex("(?i)password|secret|apikey|token|connectionstring|(encryption|internal)__?key|KeyEncryptionKey")]
    internal static partial Regex LooksSecret();

    [GeneratedRegex(@"\$\((SECRET_[A-Z_]+)\)")]
    private static partial Regex Reference();

    [GeneratedRegex(@"^[^\s:@]+(:[0-9]+)?/[^\s:@]+(:[A-Za-z0-9_][\w.-]*|@sha256:[0-9a-f]{64})$")]
    private static partial Regex Pinned();
}
