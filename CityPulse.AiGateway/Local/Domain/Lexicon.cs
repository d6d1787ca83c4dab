using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>The words that the assistant knows, English and German, normalised.</summary>
internal static partial class Lexicon
{
    private static readonly (string Code, string Words)[] Quantities =
    [
        ("temperature", "temperatures? temperatur(?:en)? durchschnittstemperatur temp warm hot cold kalt heiss"),
        ("humidity", "humidity luftfeuchte luftfeuchtigkeit feuchte feuchtigkeit"),
        ("pm25", "pm25 pm2.5 particulates? feinstaub"),
        ("occupancy", "occupancy occupied belegung auslastung"),
        ("illuminance", "illuminance brightness helligkeit beleuchtungsstaerke"),
        ("noise", "noise laerm lautstaerke schallpegel"),
        ("traffic_speed", "traffic.speed speed speeds geschwindigkeit verkehrsgeschwindigkeit"),
        ("traffic_flow", "traffic.flow traffic verkehr verkehrsfluss verkehrsaufkommen"),
        ("water_volume", "water wasser wasserverbrauch"),
        ("electric_power", "power leistung"),
    ];

    private static readonly (string Code, string Words)[] Carriers =
    [
        ("electricity", "electricity electric electrical strom stromverbrauch elektrizitaet elektrisch"),
        ("gas", "gas gasverbrauch erdgas"),
        ("heat", "heat heating waerme waermeverbrauch heizung heizenergie fernwaerme"),
    ];

    private static readonly (string Code, string Words)[] Uses =
    [
        ("office", "offices? buero bueros buerogebaeude"),
        ("school", "schools? schulen? schulgebaeude"),
        ("university", "universit(?:y|ies) universitaet universitaeten college colleges hochschulen?"),
        ("hospital", "hospitals? krankenhaus krankenhaeuser kliniken?"),
        ("residential", "residential wohngebaeude wohnhaus wohnhaeuser homes? dormitor(?:y|ies) wohnheime?"),
        ("retail", "retail shops? stores? laden laeden geschaefte?"),
        ("industrial", "industrial factor(?:y|ies) industriell industriegebaeude fabriken? fabrik"),
        ("warehouse", "warehouses? lagerhaus lagerhaeuser lagerhallen?"),
        ("public", "public oeffentliche[nrs]?"),
        ("transport", "transport"),
    ];

    private static readonly (string Code, string Words)[] States =
    [
        ("offline", "offline down dead silent ausgefallen ausgefallene[nr]?"),
        ("stale", "stale late delayed veraltet veraltete[nr]?"),
        ("never", "never nie niemals"),
        ("online", "online"),
    ];

    /// <summary>Words that carry no name: whatever else stands where a building could be is taken for one.</summary>
    private static readonly HashSet<string> Filler =
    [
        .. """
        a about across actual actually all already also altogether am amount an and any answer are as at average be been best between both building buildings but by
        can carbon change changed city co2 column compare compared comparison consume consumed consumer consumers consumes consuming consumption could count current currently
        data did difference display do does during each efficient efficiency emission emissions emit emitted energy entire eui exact exactly far find first following for from get give
        given had has have having hello help her here hey hi high higher highest his hour hourly how i if in intensity into is it its just kg kilowatt hours kw kwh last
        abnormal abnormally acknowledged active after alert alerts alarm alarms anomalies anomaly bill bills cheap cheapest closed coldest coming complete completely completeness course critical
        dearest development euro expect expected expensive forecast forecasts future gap gaps hottest info irregular lost lowered missing money mwh next open outlier outliers outlook paid pay predicted quality raised
        after anything day days ever m2 nothing send sent sending sqm
        range report resolved rest season severe severity shelved silenced spike spikes strange stuck tomorrow tonight trend triggered unacknowledged unseen unusual unusually unusualness warmest warning warnings
        will working problem problems wrong data factor
        latest least less level levels list load low lower lowest many max maximum me mean measured meter meters metre min minimum month more most much my need new not now number
        of off on one only or our out over overall peak per percent please point points portfolio present rank ranked ranking reading readings recent recently relative report right room rooms
        same see sensor sensors should show since site sites so some space spend spent square status still sum tell than thank thanks that the their them then there these they this those through time
        to today together top total totals two until up us usage use used uses using value values versus vs want was watt we were what when where which whole who will with within worst would year you your
        ab aber aktuell aktuelle aktueller aktuelles aktuellen alle allen aller alles als am an anteil anzahl auch auf aus bei beim bestand bester bisher bitte bis da danke das dass davon dein dem den denn der des deren die dies diese diesem diesen dieser dieses doch du durch
        aktiv aktive aktiven alarm alarme alarmen auffaellig auffaellige auffaelligkeit auffaelligkeiten ausgaben ausgegeben ausreisser behoben bezahlen bezahlt daten datenluecke datenluecken datenqualitaet derzeit durchschnitt
        durchschnittlich durchschnittliche durchschnittlichen durchschnittstemperatur entwicklung erledigt erwartet erwartete erwarteten fehlen fehlende fehlenden fehlt gekostet geld geschlossen geschlossene gemeldet gering heutige kaelteste kommende kommenden
        kosten kostet kostete kritisch kritische kritischen lastfaktor luecke luecken maximal maximale maximum minimale mittel mittelwert mittlere morgen naechste naechsten naechster neue offen offene offenen oft prognose prognosen quittiert quittierte
        fuer energieprognose energieverbrauchs gesendet jemals nichts stromprognose verbrauchs verbrauchsprognose qm m2 eigentlich
        rechnung schwere stoerungen stunden stunde teuer teuerste teuersten guenstigste guenstigsten uebermorgen unquittiert unquittierte ungewoehnlich ungewoehnliche verlauf verlief verlaufen vollstaendig voraussichtlich vorhersage waermste warnung warnungen wasserverbrauch werktag zukunft hoechstwert tiefstwert energiekosten stromkosten messluecken lueckenhaft hoechstens mindestens
        ein eine einem einen einer eines emissionen energie energieverbrauch energieverbraucher er es etwa gab gebaeude gebaeuden gebaeudes gegenueber geben gemessen genau gerade gesamt gesamte gesamten gesamtverbrauch gib gibt gross groesste groessten groesster groesstes
        haben hallo hat hatte hatten hier hilfe hoch hoechste hoechsten hoechster hoechstes ich ihr im in insgesamt ist jede jeder jetzt kannst kein keine kohlendioxid koennen letzte letzten letzter letztes lastspitze liste mal man mehr meiste meisten messwert messwerte mich mir mit
        momentan nach nenn nenne nennen nicht noch niedrigste niedrigsten niedrigster niedrigstes nun nur ob oder pro quadratmeter rangliste sag sehr seit sensor sensoren sich sie sind so spitze spitzenlast stadt status tun ueber uhr um und uns unser unsere unserem unseren unserer
        verbrauch verbrauche verbrauchen verbraucher verbraucht verbrauchte verbrauchten vergleich vergleiche vergleichen verglichen verhaeltnis viel viele vielen vom von vor waren war warum was wenig wenige wenigsten wenigste welche welchem welchen welcher welches wem wen wenn wer werden wert werte weniger wie wieviel
        wieviele wir wird wo wurde wurden zaehler zahl zeig zeige zeigen zu zum zur zusammen zwischen geringste geringsten geringster geringstes schlechteste schlechtesten sparsamste sparsamsten effizienteste effizientesten
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
    ];

    private static readonly Regex GermanMarks = Words(
        "wie viele?n? wieviele? welche[nmrs]? gebaeude[ns]? letzte[nmrs]? verbrauch verbraucht verbrauchte strom und der die das dem den ist sind hat haben meisten wenigsten heute gestern "
        + "vorgestern monat woche jahr zeige? vergleiche?n? sensoren temperatur waerme energieverbrauch wer wo mit von vom im seit gib es alle aktuelle[nrs]? offene[nr]? alarme? luecken kosten gekostet kostet morgen uebermorgen naechste[nrs]? prognose energieprognose vorhersage fehlen messwerte durchschnittliche temperaturen hoechste auffaelligkeiten durchschnitt warnungen fehlende? hallo hilfe kannst du ich bitte gab was fuer");

    private static readonly Regex EnglishMarks = Words(
        "how many which what the is are of did does do use used uses most least list show compare with and for building buildings sensors last this yesterday today tomorrow next cost costs there forecast alerts alarms gaps average consumption energy much who in? hello help can you please me all");

    /// <summary>Whether a word is part of the language rather than of a name.</summary>
    public static bool IsKnown(string word) =>
        Filler.Contains(word) || word.All(char.IsDigit)
        || Find(Quantities, word) is not null || Find(Carriers, word) is not null || Find(Uses, word) is not null || Find(States, word) is not null
        || Other().IsMatch(word);

    public static string? Quantity(string text) => Find(Quantities, text) ?? (CarbonLevel().IsMatch(text) ? "co2" : null);

    public static string? Carrier(string text) => Find(Carriers, text);

    public static string? Use(string text) => Find(Uses, text);

    public static string? State(string text) => Find(States, text);

    public static Language LanguageOf(string text) =>
        GermanMarks.Count(text) > EnglishMarks.Count(text) ? Language.German : Language.English;

    public static bool Asks(this string text, Regex what) => what.IsMatch(text);

    private static readonly Dictionary<string, Regex> Compiled = [];
    private static readonly Lock Gate = new();

    private static string? Find((string Code, string Words)[] table, string text)
    {
        foreach (var (code, words) in table)
        {
            if (Cached(words).IsMatch(text))
            {
                return code;
            }
        }

        return null;
    }

    private static Regex Cached(string words)
    {
        lock (Gate)
        {
            return Compiled.TryGetValue(words, out var regex) ? regex : Compiled[words] = Words(words);
        }
    }

    private static Regex Words(string words) => new(
        $@"(?<![\p{{L}}\p{{N}}])(?:{words.Trim().Replace(' ', '|')})(?![\p{{L}}\p{{N}}])", RegexOptions.CultureInvariant | RegexOptions.Compiled);

    [GeneratedRegex(@"\bco2\b.{0,20}\b(?:level|concentration|reading|value|ppm|now|konzentration|gehalt|wert)|\b(?:latest|current|aktuelle[nrs]?|room|indoor)\b.{0,12}\bco2\b|\bco2-?(?:wert|gehalt|konzentration)")]
    private static partial Regex CarbonLevel();

    [GeneratedRegex(@"^(?:cost|costs|price|euros?|dollars?|kosten|preis|forecast|predict\w*|prognose|vorhersage|alerts?|alarme?|alarms?|anomal\w*|why|warum|create|delete|consum\w*|verbrauch\w*|vergleich\w*|sensor\w*|gebaeude\w*|gestern|heute|yesterday|previous|before|davor|zuvor|week|weeks|days|months|years|woche|wochen|monat|monate|monaten|jahr|jahre|tag|tage|tagen)$")]
    private static partial Regex Other();
}
