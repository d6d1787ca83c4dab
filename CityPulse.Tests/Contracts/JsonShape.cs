using System.Text.Json;

namespace CityPulse.Tests.Contracts;

/// <summary>The members of a JSON document by path, each with the kind of its value; null says nothing about the kind.</summary>
internal sealed class JsonShape
{
    private readonly SortedDictionary<string, JsonValueKind> _members = new(StringComparer.Ordinal);

    /// <summary>Of several, what any of them has.</summary>
    public static JsonShape Of(params IEnumerable<JsonElement> documents)
    {
        var shape = new JsonShape();
        foreach (var document in documents)
        {
            shape.Add("", document);
        }

        return shape;
    }

    /// <summary>What whoever reads documents of the other shape would miss or misread in this one.</summary>
    public IEnumerable<string> Breaks(JsonShape older)
    {
        foreach (var (path, kind) in older._members)
        {
            if (!_members.TryGetValue(path, out var now))
            {
                // A list that is empty now has no members to compare, and neither has an object that is null.
                if (!HasNothing(path))
                {
                    yield return $"{path} is gone";
                }
            }
            else if (now != kind && now != JsonValueKind.Null && kind != JsonValueKind.Null)
            {
                yield return $"{path} was {kind} and is {now}";
            }
        }
    }

    private bool HasNothing(string path)
    {
        for (var at = path.LastIndexOfAny(['.', '[']); at > 0; at = path.LastIndexOfAny(['.', '['], at - 1))
        {
            if (_members.TryGetValue(path[..at], out var parent))
            {
                return parent == JsonValueKind.Null || (parent == JsonValueKind.Array && !_members.ContainsKey($"{path[..at]}[]"));
            }
        }

        return false;
    }

    private void Add(string path, JsonElement value)
    {
        var kind = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? JsonValueKind.True : value.ValueKind;
        if (!_members.TryGetValue(path, out var known) || known == JsonValueKind.Null)
        {
            _members[path] = kind;
        }

        if (kind == JsonValueKind.Object)
        {
            foreach (var member in value.EnumerateObject())
            {
                Add(path.Length == 0 ? member.Name : $"{path}.{member.Name}", member.Value);
            }
        }
        else if (kind == JsonValueKind.Array)
        {
            foreach (var element in value.EnumerateArray())
            {
                Add($"{path}[]", element);
            }
        }
    }
}
