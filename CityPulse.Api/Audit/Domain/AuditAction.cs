using System.Text;

namespace CityPulse.Api.Audit.Domain;

/// <summary>
/// The name of what a call does, from its method and path: <c>buildings.create</c>, <c>alerts.acknowledge</c>, <c>auth.login</c>. No slice has
/// to name its calls for the audit log, so none can forget to.
/// </summary>
internal static class AuditAction
{
    private const int LongestName = 100;

    /// <summary>Areas whose <c>POST</c>s are commands and create nothing that has an address of its own.</summary>
    private static readonly string[] Commands = ["auth", "ai", "swarm"];

    public static string Of(string method, string path)
    {
        var nouns = new List<string>();
        string? command = null;
        var afterId = false;
        foreach (var segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (segment is "api" or "v1" or "citypulse" && nouns.Count == 0)
            {
                continue;
            }

            if (Guid.TryParse(segment, out _))
            {
                afterId = true;
            }
            else if (afterId && method == "POST")
            {
                command = Word(segment);
            }
            else
            {
                nouns.Add(Word(segment));
            }
        }

        if (nouns.Count == 0)
        {
            return "unknown";
        }

        var name = string.Join('.', nouns);
        name = command is not null ? $"{name}.{command}"
            : method == "POST" && nouns.Count > 1 && Commands.Contains(nouns[0]) ? name
            : $"{name}.{Verb(method)}";
        return name.Length <= LongestName ? name : name[..LongestName];
    }

    private static string Verb(string method) => method switch
    {
        "POST" => "create",
        "PUT" or "PATCH" => "update",
        "DELETE" => "delete",
        _ => "read",
    };

    /// <summary>A path comes from a stranger: what is no plain word is not repeated.</summary>
    private static string Word(string segment)
    {
        var word = new StringBuilder(segment.Length);
        foreach (var c in segment)
        {
            word.Append(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? char.ToLowerInvariant(c) : '_');
        }

        return word.ToString();
    }
}
