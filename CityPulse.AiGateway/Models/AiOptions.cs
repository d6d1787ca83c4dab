using CityPulse.AiGateway.Accounting;

namespace CityPulse.AiGateway.Models;

/// <summary>Models, providers and the limits of a turn. Section <c>Ai</c>.</summary>
internal sealed class AiOptions
{
    public const string Section = "Ai";

    /// <summary>How many messages beyond <see cref="HistoryMessages"/> are looked at for a summary.</summary>
    public const int MoreHistoryMessages = 100;

    /// <summary>The model of requests that name none: <c>provider/model</c> or an alias. By default the first one with a key, else the built-in.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>The same by frontend.</summary>
    public Dictionary<string, string> FrontendModels { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What the assistant is told beside its own instructions, by frontend.</summary>
    public Dictionary<string, string> FrontendInstructions { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Further names of models; several models with commas between them are a chain, tried in that order.</summary>
    public Dictionary<string, string> Aliases { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the built-in assistant answers when all providers of a chain are down.</summary>
    public bool FallbackToLocal { get; set; }

    /// <summary>Whether a provider's address may be a private one, such as a model server in the same network.</summary>
    public bool AllowPrivateBaseUrls { get; set; }

    /// <summary>How often a model may call tools before it has to answer.</summary>
    public int MaxToolRounds { get; set; } = 8;

    /// <summary>How many earlier messages of a conversation a model is shown; older ones are summed up for it. With 0 it is shown none.</summary>
    public int HistoryMessages { get; set; } = 20;

    /// <summary>How many characters of earlier messages a model is shown.</summary>
    public int HistoryCharacters { get; set; } = 40_000;

    /// <summary>How much text one request of the OpenAI-compatible door may carry.</summary>
    public int MaxInputCharacters { get; set; } = 400_000;

    /// <summary>How long answers of the OpenAI-compatible door are kept for the same request; 0: not at all.</summary>
    public int CacheSeconds { get; set; }

    /// <summary>How long a stream may be silent before it says that it is still there.</summary>
    public int HeartbeatSeconds { get; set; } = 15;

    /// <summary>How long a streamed answer goes on when its reader is gone, in case they come back.</summary>
    public int ResumeSeconds { get; set; } = 5;

    /// <summary>Keys and passwords in messages do not go to providers.</summary>
    public bool RedactSecrets { get; set; } = true;

    /// <summary>E-mail addresses in messages do not go to providers.</summary>
    public bool RedactEmails { get; set; } = true;

    /// <summary>Nor telephone numbers.</summary>
    public bool RedactPhones { get; set; } = true;

    /// <summary>Nor numbers of bank accounts.</summary>
    public bool RedactIbans { get; set; } = true;

    /// <summary>Nor numbers of payment cards.</summary>
    public bool RedactCards { get; set; } = true;

    public BudgetOptions Budgets { get; set; } = new();

    public Dictionary<string, ProviderOptions> Providers { get; set; } = new(StringComparer.OrdinalIgnoreCase);
}
