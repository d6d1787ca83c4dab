using k8s;
using k8s.Models;

namespace CityPulse.Tests.Deploy;

/// <summary>The objects of a tree, in the Kubernetes client's own types: what they do not know is refused.</summary>
internal sealed class Cluster(IReadOnlyList<object> objects)
{
    private readonly List<object> _objects = [.. objects];

    public static Cluster Parse(string yaml) => new([.. KubernetesYaml.LoadAllFromString(yaml, typeMap: null, strict: true)]);

    public List<T> All<T>() => [.. _objects.OfType<T>()];

    public T Get<T>(string name)
        where T : IKubernetesObject<V1ObjectMeta> => All<T>().Single(o => o.Name() == name);

    public void Add(object item) => _objects.Add(item);

    public void Remove<T>(Func<T, bool> which)
        where T : class => _objects.RemoveAll(o => o is T candidate && which(candidate));

    /// <summary>Everything that becomes pods.</summary>
    public IEnumerable<PodTemplate> Pods() =>
    [
        .. All<V1Deployment>().Select(d => new PodTemplate($"Deployment {d.Name()}", d.Spec.Template)),
        .. All<V1StatefulSet>().Select(s => new PodTemplate($"StatefulSet {s.Name()}", s.Spec.Template)),
        .. All<V1Job>().Select(j => new PodTemplate($"Job {j.Name()}", j.Spec.Template)),
        .. All<V1CronJob>().Select(c => new PodTemplate($"CronJob {c.Name()}", c.Spec.JobTemplate.Spec.Template)),
    ];

    public IEnumerable<PodContainer> Containers() =>
        from pod in Pods()
        from container in pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? [])
        select new PodContainer($"{pod.Owner}, container {container.Name}", pod, container);
}

internal sealed record PodTemplate(string Owner, V1PodTemplateSpec Template)
{
    public V1PodSpec Spec => Template.Spec;

    public string? App => Template.Metadata?.Labels?.TryGetValue("app", out var app) == true ? app : null;
}

internal sealed record PodContainer(string Where, PodTemplate Pod, V1Container Spec);
