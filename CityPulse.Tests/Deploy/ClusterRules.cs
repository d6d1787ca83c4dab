using System.Globalization;
using System.Text;
using k8s.Models;

namespace CityPulse.Tests.Deploy;

/// <summary>What a whole overlay has to be like. A rule answers with sentences on what breaks it.</summary>
internal static class ClusterRules
{
    private const string Ingress = "ingress-nginx";
    private const string Monitoring = "monitoring";

    private static readonly string[] Apps = ["api", "realtime", "aigateway", "migrate", "backup", "postgres", "redis"];
    private static readonly int[] Ports = [5432, 6379, 8080, 8081];

    /// <summary>All that may go on inside, one connection a line.</summary>
    private static readonly string[] Allowed =
    [
        $"{Ingress} → api:8080",
        $"{Monitoring} → api:8081", $"{Monitoring} → realtime:8081", $"{Monitoring} → aigateway:8081",
        "api → realtime:8080", "api → realtime:8081", "api → aigateway:8080", "api → aigateway:8081",
        "realtime → api:8080", "realtime → api:8081", "aigateway → api:8080", "aigateway → api:8081",
        "api → postgres:5432", "aigateway → postgres:5432", "migrate → postgres:5432", "backup → postgres:5432",
        "api → redis:6379", "realtime → redis:6379", "aigateway → redis:6379", "migrate → redis:6379",
    ];

    public static IEnumerable<string> Broken(Cluster cluster) =>
    [
        .. PodRules.Broken(cluster),
        .. Secrets(cluster),
        .. Network(cluster),
        .. Edge(cluster),
        .. Scaling(cluster),
        .. Migration(cluster),
        .. Sessions(cluster),
        .. Placeholders(cluster),
    ];

    private static IEnumerable<string> Secrets(Cluster cluster)
    {
        var values = cluster.All<V1Secret>().SelectMany(s => (s.Data ?? new Dictionary<string, byte[]>()).Select(d => Encoding.UTF8.GetString(d.Value ?? [])))
            .Where(v => v.Length >= 8).ToList();
        foreach (var map in cluster.All<V1ConfigMap>())
        {
            foreach (var (key, value) in map.Data ?? new Dictionary<string, string>())
            {
                if (PodRules.LooksSecret().IsMatch(key) || values.Any(v => value.Contains(v, StringComparison.Ordinal)))
                {
                    yield return $"ConfigMap {map.Name()} has a secret: {key}.";
                }
            }
        }

        var keys = cluster.All<V1Secret>().ToDictionary(s => s.Name(), s => s.Data ?? new Dictionary<string, byte[]>());
        foreach (var container in cluster.Containers())
        {
            foreach (var variable in container.Spec.Env ?? [])
            {
                if (variable.ValueFrom?.SecretKeyRef is { } reference && (!keys.TryGetValue(reference.Name, out var data) || !data.ContainsKey(reference.Key)))
                {
                    yield return $"{container.Where} wants {reference.Key} of Secret {reference.Name}, which is not there.";
                }

                if (values.Any(v => variable.Value?.Contains(v, StringComparison.Ordinal) == true))
                {
                    yield return $"{container.Where} has a secret in plain sight: {variable.Name}.";
                }
            }

            foreach (var source in container.Spec.EnvFrom ?? [])
            {
                if (source.ConfigMapRef is { } map && !cluster.All<V1ConfigMap>().Any(m => m.Name() == map.Name))
                {
                    yield return $"{container.Where} wants ConfigMap {map.Name}, which is not there.";
                }
            }
        }
    }

    private static IEnumerable<string> Network(Cluster cluster)
    {
        var traffic = new Traffic(cluster);
        var open = (from to in Apps
                    from port in Ports
                    from sender in Apps.Where(app => app != to && traffic.PodToPod(app, to, port))
                        .Concat(((string[])[Ingress, Monitoring, "any-other"]).Where(name => traffic.NamespaceToPod(name, to, port)))
                        .Concat(traffic.AnywhereToPod(to, port) ? ["anywhere"] : [])
                    select $"{sender} → {to}:{port}").ToList();

        // Also for pods that nobody has thought of yet.
        var denied = cluster.All<V1NetworkPolicy>().Any(p => p.Spec is { PolicyTypes: ["Ingress", "Egress"], Ingress: null or [], Egress: null or [] }
            && p.Spec.PodSelector is { MatchLabels: null or { Count: 0 }, MatchExpressions: null or [] });
        return (denied ? Array.Empty<string>() : ["The network policies do not deny by default."])
            .Concat(open.Except(Allowed).Select(connection => $"The network policies allow {connection}."))
            .Concat(Allowed.Except(open).Select(connection => $"The network policies forbid {connection}."))
            .Concat(((string[])["realtime", "migrate", "postgres", "redis"]).Where(app => traffic.PodToInternet(app, 443)).Select(app => $"{app} may call the Internet."));
    }

    private static IEnumerable<string> Edge(Cluster cluster)
    {
        var paths = new Dictionary<string, V1Ingress>();
        foreach (var ingress in cluster.All<V1Ingress>())
        {
            if (ingress.Spec.Tls is not [{ Hosts: [var host], SecretName: var certificate }] || ingress.Spec.Rules is not [{ } rule] || rule.Host != host)
            {
                yield return $"Ingress {ingress.Name()} is without TLS for its host.";
                continue;
            }

            // More than one would quarrel over the certificate.
            if (cluster.All<V1Ingress>().Count(i => i.Spec.Tls?[0].SecretName == certificate && i.Metadata.Annotations.ContainsKey("cert-manager.io/cluster-issuer")) != 1)
            {
                yield return $"Not one ingress asks for certificate {certificate}.";
            }

            foreach (var path in rule.Http.Paths)
            {
                paths[path.Path] = ingress;
                if (path.Backend.Service is not { Name: "api", Port.Name: "http" })
                {
                    yield return $"Ingress {ingress.Name()} leads {path.Path} past the edge.";
                }
            }
        }

        foreach (var path in (string[])["/", "/ws", "/api/v1/ai", "/api/v1/swarm"])
        {
            if (!paths.TryGetValue(path, out var ingress))
            {
                yield return $"No ingress leads to {path}.";
            }
            else if (path != "/" && ((string[])["proxy-read-timeout", "proxy-send-timeout"]).Any(name =>
                int.Parse(ingress.Metadata.Annotations.TryGetValue($"nginx.ingress.kubernetes.io/{name}", out var seconds) ? seconds : "0", CultureInfo.InvariantCulture)
                    < new CityPulse.Api.Edge.EdgeOptions().SilenceMinutes * 60))
            {
                yield return $"The ingress of {path} gives up before the edge does.";
            }
        }
    }

    private static IEnumerable<string> Scaling(Cluster cluster)
    {
        var scalers = cluster.All<V2HorizontalPodAutoscaler>();
        if (!scalers.Any(h => h.Spec.ScaleTargetRef.Name == "api" && h.Spec.Metrics.Any(m => m.Resource is { Name: "cpu" })))
        {
            yield return "The Api does not scale on CPU.";
        }

        if (!scalers.Any(h => h.Spec.ScaleTargetRef.Name == "realtime" && h.Spec.Metrics.Any(m => m.Pods?.Metric.Name == "citypulse_realtime_connections")))
        {
            yield return "Realtime does not scale on connections.";
        }

        foreach (var scaler in scalers.Where(h => cluster.Get<V1Deployment>(h.Spec.ScaleTargetRef.Name).Spec.Replicas is not null))
        {
            yield return $"Deployment {scaler.Spec.ScaleTargetRef.Name} has a number of replicas that undoes its autoscaler.";
        }
    }

    private static IEnumerable<string> Migration(Cluster cluster)
    {
        if (cluster.All<V1Job>().SingleOrDefault(j => j.Name() == "migrate") is not { } job)
        {
            yield return "There is no migration.";
            yield break;
        }

        // One after the other, which init containers are.
        var pod = job.Spec.Template.Spec;
        if (pod.InitContainers is not [var city] || pod.Containers is not [var ai])
        {
            yield return "The migration is not one of the city and then one of the AI gateway.";
            yield break;
        }

        foreach (var (own, name) in ((V1Container, string)[])[(city, "api"), (ai, "aigateway")])
        {
            var service = cluster.Get<V1Deployment>(name).Spec.Template.Spec.Containers[0];
            if (own.Image != service.Image || own.Args is not ["--migrate"])
            {
                yield return $"The migration of {name} is not of its build.";
            }

            if (!own.Env.Select(e => (e.Name, e.Value)).SequenceEqual(service.Env.Select(e => (e.Name, e.Value))))
            {
                yield return $"The migration of {name} has other variables than the service.";
            }

            if (service.Env.SingleOrDefault(e => e.Name == "Migrations__AtStart")?.Value != "false")
            {
                yield return $"{name} migrates when it starts.";
            }
        }

        // deploy/rollout.sh goes by these.
        if (job.Metadata.Labels["citypulse.io/step"] != "migrate" || cluster.All<V1Deployment>().Any(d => d.Metadata.Labels["citypulse.io/step"] != "serve"))
        {
            yield return "The steps of a release are not marked.";
        }
    }

    /// <summary>The pools of all replicas, one more of each while a release rolls out, fit into what the bundled PostgreSQL allows.</summary>
    private static IEnumerable<string> Sessions(Cluster cluster)
    {
        if (cluster.All<V1StatefulSet>().SingleOrDefault(s => s.Name() == "postgres") is not { } postgres)
        {
            yield break;
        }

        const int ownersPool = 4;
        var needed = 0;
        foreach (var deployment in cluster.All<V1Deployment>())
        {
            var connection = deployment.Spec.Template.Spec.Containers[0].Env.SingleOrDefault(e => e.Name == "ConnectionStrings__citydb")?.Value;
            if (connection is not null)
            {
                var scaler = cluster.All<V2HorizontalPodAutoscaler>().SingleOrDefault(h => h.Spec.ScaleTargetRef.Name == deployment.Name());
                var replicas = 1 + (scaler?.Spec.MaxReplicas ?? deployment.Spec.Replicas ?? 1);
                needed += replicas * (ownersPool + new Npgsql.NpgsqlConnectionStringBuilder(connection).MaxPoolSize);
            }
        }

        var allowed = (postgres.Spec.Template.Spec.Containers[0].Args ?? []).Select(a => a.Split('=')).Where(a => a[0] == "max_connections")
            .Select(a => int.Parse(a[1], CultureInfo.InvariantCulture)).SingleOrDefault(100);
        if (needed >= allowed)
        {
            yield return $"The services may open {needed} sessions, but PostgreSQL allows {allowed}.";
        }
    }

    private static IEnumerable<string> Placeholders(Cluster cluster)
    {
        if (k8s.KubernetesYaml.SerializeAll([.. cluster.All<object>()]).Contains("replaced", StringComparison.OrdinalIgnoreCase))
        {
            yield return "A placeholder was not replaced.";
        }
    }
}
