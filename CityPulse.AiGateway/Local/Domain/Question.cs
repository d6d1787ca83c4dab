namespace CityPulse.AiGateway.Local.Domain;

internal enum Language
{
    English,
    German,
}

internal enum QuestionKind
{
    /// <summary>Not understood.</summary>
    Unknown,
    Help,
    /// <summary>Understood, but beyond this assistant: see <see cref="Question.Beyond"/>.</summary>
    Unsupported,
    CountBuildings,
    ListBuildings,
    CountSensors,
    ListSensors,
    Latest,
    Energy,
    Ranking,
    Compare,
}

/// <summary>What the assistant knows that it cannot do, so that it can say so.</summary>
internal enum BeyondRules
{
    None,
    /// <summary>Something that looks like a date but is none.</summary>
    Date,
    Cost,
    Forecast,
    Alerts,
    Statistics,
    Explanation,
    Writing,
}

/// <summary>A building by the names that people may use for it.</summary>
internal sealed record KnownBuilding(Guid Id, string Name, string? Code, string Use, string TimeZone);

/// <summary>A question taken apart; nothing in it depends on the clock.</summary>
internal sealed record Question(QuestionKind Kind, Language Language)
{
    public BeyondRules Beyond { get; init; }

    /// <summary>The periods said, in order.</summary>
    public IReadOnlyList<PeriodPhrase> Periods { get; init; } = [];

    /// <summary>The buildings named, in order.</summary>
    public IReadOnlyList<KnownBuilding> Buildings { get; init; } = [];

    /// <summary>Buildings that the same words could mean.</summary>
    public IReadOnlyList<KnownBuilding> Ambiguous { get; init; } = [];

    /// <summary>A name that looks like a building's but is none.</summary>
    public string? UnknownName { get; init; }

    /// <summary>A quantity of sensors, as <c>temperature</c>.</summary>
    public string? Quantity { get; init; }

    /// <summary><c>electricity</c>, <c>gas</c> or <c>heat</c>.</summary>
    public string? Carrier { get; init; }

    /// <summary><c>kwh</c>, <c>eui</c> or <c>co2</c>.</summary>
    public string Metric { get; init; } = "kwh";

    public bool AsksPeak { get; init; }

    /// <summary>A ranking from the other end.</summary>
    public bool Least { get; init; }

    public int? Top { get; init; }

    /// <summary>A use of buildings, as <c>school</c>.</summary>
    public string? Use { get; init; }

    /// <summary>A state of sensors, as <c>offline</c>.</summary>
    public string? Status { get; init; }
}
