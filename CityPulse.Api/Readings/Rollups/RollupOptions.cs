using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>Section <c>Rollups</c>.</summary>
internal sealed class RollupOptions
{
    public const string Section = "Rollups";

    /// <summary>
    /// How long changes gather before rollups are made anew. Answers are exact meanwhile, from the readings; a longer wait saves
    /// making the hour that is under way again and again.
    /// </summary>
    [Range(0, 3600, ErrorMessage = "Rollups:DelaySeconds must be from 0 to 3600.")]
    public double DelaySeconds { get; set; } = 5;

    /// <summary>
    /// The share of its time that the worker works while there is much to do, the rest belonging to ingest and queries. 0 turns it
    /// off: a replica that only answers.
    /// </summary>
    [Range(0, 1, ErrorMessage = "Rollups:Share must be from 0 (this replica makes no rollups) to 1.")]
    public double Share { get; set; } = 0.5;

    /// <summary>About how many readings one transaction of the worker looks at.</summary>
    [Range(1_000, 10_000_000, ErrorMessage = "Rollups:ReadingsAtOnce must be from 1,000 to 10,000,000.")]
    public int ReadingsAtOnce { get; set; } = 50_000;
}
