using k8s.Models;

namespace CityPulse.Tests.Deploy;

/// <summary>
/// Who may open a connection to whom by the network policies: the sender's egress and the receiver's ingress both have to allow it, and
/// a pod that no policy selects may do anything.
/// </summary>
internal sealed class Traffic(Cluster cluster)
{
    private readonly List<V1NetworkPolicy> _policies = cluster.All<V1NetworkPolicy>();

    public bool PodToPod(string from, string to, int port) => Egress(Pod(from), PodPeer(from, to), port) && Ingress(Pod(to), PodPeer(to, from), port);

    /// <summary>From a namespace other than ours, where nothing holds the sender back.</summary>
    public bool NamespaceToPod(string from, Dictionary<string, string> to, int port) =>
        Ingress(to, peer => peer is { IpBlock: null, PodSelector: null } && Selects(peer.NamespaceSelector, Named(from)), port);

    public bool NamespaceToPod(string from, string to, int port) => NamespaceToPod(from, Pod(to), port);

    public bool AnywhereToPod(string to, int port) => Ingress(Pod(to), peer => peer.IpBlock is not null, port) || Selected(Pod(to), "Ingress").Count == 0;

    public bool PodToInternet(string from, int port) => Egress(Pod(from), peer => peer.IpBlock?.Cidr is "0.0.0.0/0" or "::/0", port);

    private static Dictionary<string, string> Pod(string app) => app == "backup"
        ? new() { ["app.kubernetes.io/name"] = "citypulse-backup" }
        : new() { ["app"] = app };

    private static Dictionary<string, string> Named(string name) => new() { ["kubernetes.io/metadata.name"] = name };

    private static Func<V1NetworkPolicyPeer, bool> PodPeer(string self, string other) => peer =>
        peer is { IpBlock: null, NamespaceSelector: null } && Selects(peer.PodSelector, Pod(other)) && self != other;

    private bool Ingress(Dictionary<string, string> pod, Func<V1NetworkPolicyPeer, bool> isPeer, int port) =>
        Selected(pod, "Ingress") is { Count: > 0 } policies
            ? policies.SelectMany(p => p.Spec.Ingress ?? []).Any(rule => (rule.FromProperty is null or [] || rule.FromProperty.Any(isPeer)) && HasPort(rule.Ports, port))
            : true;

    private bool Egress(Dictionary<string, string> pod, Func<V1NetworkPolicyPeer, bool> isPeer, int port) =>
        Selected(pod, "Egress") is { Count: > 0 } policies
            ? policies.SelectMany(p => p.Spec.Egress ?? []).Any(rule => (rule.To is null or [] || rule.To.Any(isPeer)) && HasPort(rule.Ports, port))
            : true;

    private List<V1NetworkPolicy> Selected(Dictionary<string, string> pod, string direction) =>
        [.. _policies.Where(p => p.Spec.PolicyTypes.Contains(direction) && Selects(p.Spec.PodSelector, pod))];

    private static bool HasPort(IList<V1NetworkPolicyPort>? ports, int port) => ports is null or [] || ports.Any(p => p.Port == $"{port}");

    private static bool Selects(V1LabelSelector? selector, Dictionary<string, string> labels) => selector is not null
        && (selector.MatchLabels ?? new Dictionary<string, string>()).All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value)
        && (selector.MatchExpressions ?? []).All(e => e.OperatorProperty == "In" && labels.TryGetValue(e.Key, out var value) && e.Values.Contains(value));
}
