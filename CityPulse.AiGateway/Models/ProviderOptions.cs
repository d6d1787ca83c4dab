namespace CityPulse.AiGateway.Models;

/// <summary>One provider of models. Section <c>Ai:Providers:&lt;name&gt;</c>; <c>openai</c>, <c>anthropic</c> and <c>groq</c> need a key only.</summary>
internal sealed class ProviderOptions
{
    /// <summary>What it speaks: <c>openai</c> (the default, and any endpoint compatible with it) or <c>anthropic</c>.</summary>
    public string? Type { get; set; }

    /// <summary>Without it the provider is off, unless it needs none.</summary>
    public string? ApiKey { get; set; }

    /// <summary>False for endpoints of one's own that take no key.</summary>
    public bool RequiresKey { get; set; } = true;

    public string? BaseUrl { get; set; }

    /// <summary>The one model, where <see cref="Models"/> lists none.</summary>
    public string? Model { get; set; }

    /// <summary>US dollars per million tokens of <see cref="Model"/>; empty where unknown, and the cost of a call is unknown too.</summary>
    public decimal? InputPricePerMTok { get; set; }

    public decimal? OutputPricePerMTok { get; set; }

    public int? ContextTokens { get; set; }

    public List<ModelOptions> Models { get; set; } = [];

    /// <summary>How long an answer in one piece may take.</summary>
    public int TimeoutSeconds { get; set; } = 100;

    /// <summary>How long a stream may take to say its first word.</summary>
    public int FirstTokenTimeoutSeconds { get; set; } = 30;

    /// <summary>How long a stream may be silent between two words.</summary>
    public int NextTokenTimeoutSeconds { get; set; } = 30;

    /// <summary>How often a call that gave nothing is sent again. A stream that has begun never is.</summary>
    public int MaxRetries { get; set; } = 1;

    /// <summary>A provider that wants a longer pause than this is not asked again; the next of the chain is.</summary>
    public int MaxRetryDelaySeconds { get; set; } = 2;

    public int MaxConcurrentCalls { get; set; } = 64;

    /// <summary>So many failures in a row, and the provider is left alone for <see cref="BreakSeconds"/>.</summary>
    public int FailuresToBreak { get; set; } = 5;

    public int BreakSeconds { get; set; } = 30;

    public bool IsConfigured => !string.IsNullOrWhiteSpace(ApiKey) || (!RequiresKey && !string.IsNullOrWhiteSpace(BaseUrl));
}

/// <summary>A model of a provider, with what it costs.</summary>
internal sealed class ModelOptions
{
    public string Name { get; set; } = "";

    public decimal? InputPricePerMTok { get; set; }

    public decimal? OutputPricePerMTok { get; set; }

    public int? ContextTokens { get; set; }
}

/// <summary>A provider as it is used: the configuration, completed by what is known of the three by name.</summary>
internal sealed record Provider(string Name, string Type, string BaseUrl, IReadOnlyList<ModelOptions> Models, ProviderOptions Options)
{
    public const string OpenAiType = "openai";
    public const string AnthropicType = "anthropic";

    private static readonly Dictionary<string, (string Type, string BaseUrl, string Model)> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["openai"] = (OpenAiType, "https://api.openai.com/v1", "gpt-4.1-mini"),
        ["anthropic"] = (AnthropicType, "https://api.anthropic.com", "claude-haiku-4-5"),
        ["groq"] = (OpenAiType, "https://api.groq.com/openai/v1", "llama-3.3-70b-versatile"),
    };

    /// <summary>Those by name first, then the others of the configuration.</summary>
    public static IReadOnlyList<Provider> All(AiOptions options) =>
    [
        .. Known.Keys.Concat(options.Providers.Keys.Where(k => !Known.ContainsKey(k)).Order(StringComparer.Ordinal))
            .Select(name => Of(name.ToLowerInvariant(), options.Providers.GetValueOrDefault(name) ?? new ProviderOptions())),
    ];

    private static Provider Of(string name, ProviderOptions options)
    {
        var (type, baseUrl, model) = Known.GetValueOrDefault(name);
        model = options.Model ?? model;
        IReadOnlyList<ModelOptions> models = options.Models.Count > 0 || model is null
            ? options.Models
            :
            [
                new ModelOptions
                {
                    Name = model, InputPricePerMTok = options.InputPricePerMTok, OutputPricePerMTok = options.OutputPricePerMTok, ContextTokens = options.ContextTokens,
                },
            ];
        return new Provider(name, options.Type?.ToLowerInvariant() ?? type ?? OpenAiType, options.BaseUrl ?? baseUrl ?? "", models, options);
    }
}
