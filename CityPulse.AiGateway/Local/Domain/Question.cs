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
    /// <summary>Average, lowest and highest of a quantity in a period.</summary>
    Statistics,
    Forecast,
    Alerts,
    Anomalies,
    DataQuality,
}

/// <summary>What the assistant knows that it cannot do, so that it can say so.</summary>
internal enum BeyondRules
{
    None,
    /// <summary>Something that looks like a date but is none.</summary>
    Date,
    Tariffs,
    /// <summary>Further ahead than forecasts go.</summary>
    FarAhead,
    /// <summary>A forecast of something else than energy.</summary>
    OtherForecast,
    /// <summary>A comparison of something else than energy.</summary>
    OtherComparison,
    /// <summary>Several buildings at once, of something else than energy.</summary>
    OneAtATime,
    Explanation,
    Writing,
}

/// <summary>How far to look ahead: calendar days from today on (0: the rest of it), or so many hours from now.</summary>
internal sealed record Ahead(int? Day, int Hours)
{
    /// <summary>As far as forecasts go.</summary>
    public const int MostHours = 168;
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

    /// <summary><c>kwh</c>, <c>eui</c>, <c>cost</c> or <c>co2</c>.</summary>
    public string Metric { get; init; } = "kwh";

    public bool AsksPeak { get; init; }

    /// <summary>A ranking from the other end.</summary>
    public bool Least { get; init; }

    public int? Top { get; init; }

    /// <summary>A use of buildings, as <c>school</c>.</summary>
    public string? Use { get; init; }

    /// <summary>A state of sensors, as <c>offline</c>.</summary>
    public string? Status { get; init; }

    /// <summary>A state of alerts, as <c>acknowledged</c>; null for all.</summary>
    public string? AlertState { get; init; }

    /// <summary><c>info</c>, <c>warning</c> or <c>critical</c>.</summary>
    public string? Severity { get; init; }

    public Ahead? Ahead { get; init; }

    /// <summary>Whether it could be about anything: it names neither a building nor a quantity, and needs one.</summary>
    public bool LacksSubject { get; init; }
}
