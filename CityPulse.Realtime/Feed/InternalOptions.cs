using System.ComponentModel.DataAnnotations;

namespace CityPulse.Realtime.Feed;

/// <summary>The secret that the services share on their internal ports, section <c>Internal</c>.</summary>
public sealed record InternalOptions
{
    public const string Section = "Internal";

    [Required(ErrorMessage = "Internal:Key must be set: Api gives its stream to those who know it only.")]
    public string Key { get; init; } = "";
}
