namespace CityPulse.AiGateway.Accounting.Domain;

/// <summary>How many tokens a text has, before anybody has counted them.</summary>
internal static class TokenEstimate
{
    /// <summary>Languages of the city have three to four and a half characters a token; three errs on the safe side.</summary>
    private const int CharactersPerToken = 3;

    /// <summary>What a message adds by itself: its role and its frame.</summary>
    private const int TokensPerMessage = 8;

    public static long Of(long characters, int messages = 0) => ((characters + CharactersPerToken - 1) / CharactersPerToken) + (messages * TokensPerMessage);
}
