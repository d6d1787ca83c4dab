using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Models;

/// <summary>Models, providers and the limits of a turn. Section <c>Ai</c>.</summary>
internal sealed class AiOptions
{
    public const string Section = "Ai";

    /// <summary>The model of requests that name none: <c>provider/model</c> or an alias. By default the first one with a key, else the built-in.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>Further names of models.</summary>
    public Dictionary<string, string> Aliases { get; set; } = [];

    /// <summary>How often a model may call tools before it has to answer.</summary>
    public int MaxToolRounds { get; set; } = 8;

    /// <summary>How many earlier messages of a conversation a model is shown.</summary>
    public int HistoryMessages { get; set; } = 20;

    public ProviderOptions Providers { get; set; } = new();

    internal sealed class ProviderOptions
    {
        public OpenAiOptions OpenAi { get; set; } = new();
    }

    /// <summary>OpenAI, or any endpoint that speaks its protocol.</summary>
    internal sealed class OpenAiOptions
    {
        /// <summary>Without it the provider is off.</summary>
        public string? ApiKey { get; set; }

        public string BaseUrl { get; set; } = "https://api.openai.com/v1";

        public string Model { get; set; } = "gpt-4.1-mini";

        /// <summary>US dollars per million tokens; leave empty where unknown, and the cost of a call is unknown too.</summary>
        public decimal? InputPricePerMTok { get; set; }

        public decimal? OutputPricePerMTok { get; set; }

        public int? ContextTokens { get; set; }

        /// <summary>How long to wait for the provider's next bytes.</summary>
        public int TimeoutSeconds { get; set; } = 100;

        public bool IsConfigured => !string.IsNullOrWhiteSpace(ApiKey);
    }
}

internal sealed class AiOptionsValidator : IValidateOptions<AiOptions>
{
    public ValidateOptionsResult Validate(string? name, AiOptions options)
    {
        var faults = new List<string>();
        var openAi = options.Providers.OpenAi;
        if (!Uri.TryCreate(openAi.BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            faults.Add("Ai:Providers:OpenAi:BaseUrl must be an absolute http or https address.");
        }

        if (string.IsNullOrWhiteSpace(openAi.Model))
        {
            faults.Add("Ai:Providers:OpenAi:Model must name a model.");
        }

        if (openAi.InputPricePerMTok < 0 || openAi.OutputPricePerMTok < 0)
        {
            faults.Add("Ai:Providers:OpenAi:InputPricePerMTok and OutputPricePerMTok must not be negative.");
        }

        if (openAi.TimeoutSeconds is < 1 or > 3600)
        {
            faults.Add("Ai:Providers:OpenAi:TimeoutSeconds must lie between 1 and 3600.");
        }

        if (options.MaxToolRounds is < 1 or > 50)
        {
            faults.Add("Ai:MaxToolRounds must lie between 1 and 50.");
        }

        if (options.HistoryMessages is < 0 or > 200)
        {
            faults.Add("Ai:HistoryMessages must lie between 0 and 200.");
        }

        if (faults.Count == 0)
        {
            var known = ModelCatalogue.Describe(options);
            faults.AddRange(options.Aliases
                .Where(a => !known.Any(m => m.Id == a.Value))
                .Select(a => $"Ai:Aliases:{a.Key} names the model {a.Value}, which there is not."));
            if (options.DefaultModel is { Length: > 0 } model && !options.Aliases.ContainsKey(model) && !known.Any(m => m.Id == model && m.Available))
            {
                faults.Add($"Ai:DefaultModel names the model {model}, which there is not or which has no key.");
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
