using System.Globalization;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Http;

/// <summary>Collects everything that is wrong with a request, by JSON path, so that a client can mend it in one go.</summary>
internal sealed class Validator
{
    private readonly Dictionary<string, List<string>> _errors = [];

    public bool Failed => _errors.Count > 0;

    public IReadOnlyDictionary<string, List<string>> Errors => _errors;

    public ProblemHttpResult ToProblem() => Problems.Validation(_errors.ToDictionary(e => e.Key, e => e.Value.ToArray()));

    public void Fail(string path, string message)
    {
        if (!_errors.TryGetValue(path, out var messages))
        {
            _errors[path] = messages = [];
        }

        messages.Add(message);
    }

    /// <returns>Whether <paramref name="valid"/>.</returns>
    public bool Check(bool valid, string path, string message)
    {
        if (!valid)
        {
            Fail(path, message);
        }

        return valid;
    }

    /// <summary>Text that must be there: not blank, at most <paramref name="max"/> characters.</summary>
    public void Required(string path, string? value, int max)
    {
        if (value is null)
        {
            Fail(path, $"{path} is required.");
        }
        else
        {
            Optional(path, value, max);
        }
    }

    /// <summary>Text that may be absent, but not blank.</summary>
    public void Optional(string path, string? value, int max)
    {
        if (value is not null
            && Check(!string.IsNullOrWhiteSpace(value), path, $"{path} must not be blank.")
            && Check(value.Length <= max, path, $"{path} must have at most {max} characters."))
        {
            Storable(path, value);
        }
    }

    /// <summary>Text that may be stored and shown: the database cannot hold NUL, and no name needs control characters.</summary>
    public void Storable(string path, string value) =>
        Check(!value.Any(char.IsControl), path, $"{path} must not contain control characters.");

    public void OneOf(string path, string? value, IReadOnlyCollection<string> allowed)
    {
        if (value is not null)
        {
            Check(allowed.Contains(value), path, $"{path} must be one of {string.Join(", ", allowed)}.");
        }
    }

    /// <summary>A finite number from <paramref name="min"/> to <paramref name="max"/>; JSON can spell numbers that are too large for a double.</summary>
    public void Range(string path, double? value, double min, double max)
    {
        if (value is { } number)
        {
            Check(double.IsFinite(number) && number >= min && number <= max, path,
                string.Create(CultureInfo.InvariantCulture, $"{path} must be from {min} to {max}."));
        }
    }

    /// <summary>A finite number above 0.</summary>
    public void Positive(string path, double? value, double max)
    {
        if (value is { } number)
        {
            Check(double.IsFinite(number) && number > 0 && number <= max, path,
                string.Create(CultureInfo.InvariantCulture, $"{path} must be above 0 and at most {max}."));
        }
    }

    public void Finite(string path, double? value)
    {
        if (value is { } number)
        {
            Check(double.IsFinite(number), path, $"{path} must be a finite number.");
        }
    }

    /// <summary>Tags: few, short, not blank.</summary>
    public void Tags(string path, IReadOnlyList<string?>? tags)
    {
        if (tags is null || !Check(tags.Count <= MaxTags, path, $"{path} must have at most {MaxTags} entries."))
        {
            return;
        }

        for (var i = 0; i < tags.Count; i++)
        {
            Required(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), tags[i], MaxTagLength);
        }

        Check(tags.Distinct(StringComparer.Ordinal).Count() == tags.Count, path, $"{path} must not name a tag twice.");
    }

    /// <summary>Text to look for. It may be anything that a name may be.</summary>
    public void SearchText(string path, string? value)
    {
        if (value is not null && Check(value.Length <= MaxSearchText, path, $"{path} must have at most {MaxSearchText} characters."))
        {
            Storable(path, value);
        }
    }

    public const int MaxSearchText = 200;
    public const int MaxTags = 50;
    public const int MaxTagLength = 50;
}
