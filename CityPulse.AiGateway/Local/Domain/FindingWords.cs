using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Words of questions on what was found in the data: alerts, anomalies, gaps; and on what is to come.</summary>
internal static partial class FindingWords
{
    /// <summary>Null where a question is about none of them.</summary>
    public static QuestionKind? Kind(string rest) =>
        Anomaly().IsMatch(rest) ? QuestionKind.Anomalies
        : Alert().IsMatch(rest) ? QuestionKind.Alerts
        : Quality().IsMatch(rest) ? QuestionKind.DataQuality
        : null;

    public static bool LooksAhead(string rest) => Forecast().IsMatch(rest);

    /// <summary>What is not closed, unless the question says otherwise.</summary>
    public static string? AlertState(string rest) =>
        Unacknowledged().IsMatch(rest) ? "unacknowledged"
        : Acknowledged().IsMatch(rest) ? "acknowledged"
        : Shelved().IsMatch(rest) ? "shelved"
        : Closed().IsMatch(rest) ? "closed"
        : Open().IsMatch(rest) ? "open"
        : null;

    public static string? Severity(string rest) =>
        Critical().IsMatch(rest) ? "critical" : Warning().IsMatch(rest) ? "warning" : Info().IsMatch(rest) ? "info" : null;

    [GeneratedRegex(@"\b(?:anomal\w*|unusual\w*|outliers?|strange|abnormal\w*|irregular\w*|auffaellig\w*|ungewoehnlich\w*|ausreisser\w*|unregelmaessig\w*)\b")]
    private static partial Regex Anomaly();

    [GeneratedRegex(@"\b(?:alerts?|alarms?|alarme?n?|alarmierung\w*|warnings|warnungen|stoerungen|stoermeldungen)\b")]
    private static partial Regex Alert();

    [GeneratedRegex(@"\b(?:gaps?|missing|data quality|completeness|how complete|stuck|spikes?|lost (?:data|readings|values)|luecken?|luecke|datenluecken?|messluecken?|fehlen\w*|fehlt|datenqualitaet|vollstaendig\w*|lueckenlos)\b")]
    private static partial Regex Quality();

    [GeneratedRegex(@"\b(?:forecast\w*|predict\w*|projection|outlook|expected|will (?:we|it|the|be)|\w*prognose\w*|prognostizier\w*|vorhersage\w*|vorhergesagt\w*|voraussichtlich\w*|erwartete?[nrs]?)\b")]
    private static partial Regex Forecast();

    [GeneratedRegex(@"\b(?:unacknowledged|not acknowledged|unquittiert\w*|nicht quittiert\w*|unseen|new alerts|neue alarme)\b")]
    private static partial Regex Unacknowledged();

    [GeneratedRegex(@"\b(?:acknowledged|quittiert\w*)\b")]
    private static partial Regex Acknowledged();

    [GeneratedRegex(@"\b(?:shelved|silenced|zurueckgestellt\w*|stummgeschaltet\w*)\b")]
    private static partial Regex Shelved();

    [GeneratedRegex(@"\b(?:closed|resolved|geschlossen\w*|erledigt\w*|behoben\w*)\b")]
    private static partial Regex Closed();

    [GeneratedRegex(@"\b(?:open|active|current|currently|now|offen\w*|aktiv\w*|aktuell\w*|derzeit|jetzt|gerade)\b")]
    private static partial Regex Open();

    [GeneratedRegex(@"\b(?:critical|severe|kritisch\w*|schwer\w*)\b")]
    private static partial Regex Critical();

    [GeneratedRegex(@"\b(?:warning|warnings|warnung|warnungen)\b")]
    private static partial Regex Warning();

    [GeneratedRegex(@"\binfo\b")]
    private static partial Regex Info();
}
