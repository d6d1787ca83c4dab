using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Models;

internal sealed class AiOptionsValidator : IValidateOptions<AiOptions>
{
    public ValidateOptionsResult Validate(string? name, AiOptions options)
    {
        var faults = new List<string>();
        foreach (var provider in Provider.All(options))
        {
            Check(provider, faults);
        }

        Between(options.MaxToolRounds, 1, 50, "Ai:MaxToolRounds", faults);
        Between(options.HistoryMessages, 0, 200, "Ai:HistoryMessages", faults);
        Between(options.HistoryCharacters, 1000, 2_000_000, "Ai:HistoryCharacters", faults);
        Between(options.MaxInputCharacters, 1000, 4_000_000, "Ai:MaxInputCharacters", faults);
        Between(options.CacheSeconds, 0, 86_400, "Ai:CacheSeconds", faults);
        Between(options.HeartbeatSeconds, 1, 300, "Ai:HeartbeatSeconds", faults);
        Between(options.ResumeSeconds, 0, 300, "Ai:ResumeSeconds", faults);
        options.Budgets.Check(faults);
        if (faults.Count == 0)
        {
            CheckNames(options, faults);
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void Check(Provider provider, List<string> faults)
    {
        var key = $"Ai:Providers:{(provider.Name == "openai" ? "OpenAi" : provider.Name)}";
        if (!Uri.TryCreate(provider.BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            faults.Add($"{key}:BaseUrl must be an absolute http or https address.");
        }

        if (provider.Type is not (Provider.OpenAiType or Provider.AnthropicType))
        {
            faults.Add($"{key}:Type must be openai or anthropic.");
        }

        if (provider.Name is ModelCatalogue.LocalProvider || provider.Name.Contains('/'))
        {
            faults.Add($"{key} is not a name for a provider: local is the built-in one, and a slash ends the name.");
        }

        if (provider.Models.Count == 0 || provider.Models.Any(m => string.IsNullOrWhiteSpace(m.Name) || m.Name.Contains(',')))
        {
            faults.Add($"{key}:Model must name a model, or {key}:Models list some by Name.");
        }

        if (provider.Models.Any(m => m.InputPricePerMTok < 0 || m.OutputPricePerMTok < 0))
        {
            faults.Add($"{key}:InputPricePerMTok and OutputPricePerMTok must not be negative.");
        }

        var options = provider.Options;
        Between(options.TimeoutSeconds, 1, 3600, $"{key}:TimeoutSeconds", faults);
        Between(options.FirstTokenTimeoutSeconds, 1, 3600, $"{key}:FirstTokenTimeoutSeconds", faults);
        Between(options.NextTokenTimeoutSeconds, 1, 3600, $"{key}:NextTokenTimeoutSeconds", faults);
        Between(options.MaxRetries, 0, 5, $"{key}:MaxRetries", faults);
        Between(options.MaxRetryDelaySeconds, 0, 60, $"{key}:MaxRetryDelaySeconds", faults);
        Between(options.MaxConcurrentCalls, 1, 10_000, $"{key}:MaxConcurrentCalls", faults);
        Between(options.FailuresToBreak, 1, 1000, $"{key}:FailuresToBreak", faults);
        Between(options.BreakSeconds, 1, 3600, $"{key}:BreakSeconds", faults);
    }

    private static void CheckNames(AiOptions options, List<string> faults)
    {
        var known = ModelCatalogue.Describe(options);
        foreach (var (alias, models) in options.Aliases)
        {
            var chain = ModelCatalogue.Split(models);
            faults.AddRange(chain.Where(m => !known.Any(k => k.Id == m)).Select(m => $"Ai:Aliases:{alias} names the model {m}, which there is not."));
            if (chain.Length == 0)
            {
                faults.Add($"Ai:Aliases:{alias} names no model.");
            }
        }

        if (options.DefaultModel is { Length: > 0 } model && !IsUsable(model))
        {
            faults.Add($"Ai:DefaultModel names the model {model}, which there is not or which has no key.");
        }

        faults.AddRange(options.FrontendModels.Keys.Concat(options.FrontendInstructions.Keys).Where(f => !FrontendNames.TryParse(f, out _))
            .Select(f => $"Ai:FrontendModels and Ai:FrontendInstructions know no frontend {f}."));
        faults.AddRange(options.FrontendModels.Where(f => !IsUsable(f.Value))
            .Select(f => $"Ai:FrontendModels:{f.Key} names the model {f.Value}, which there is not or which has no key."));

        bool IsUsable(string named) => options.Aliases.ContainsKey(named) || known.Any(m => m.Available && (m.Id == named || m.Aliases.Contains(named)));
    }

    private static void Between(int value, int least, int most, string key, List<string> faults)
    {
        if (value < least || value > most)
        {
            faults.Add($"{key} must lie between {least} and {most}.");
        }
    }
}
