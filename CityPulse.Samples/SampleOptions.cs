namespace CityPulse.Samples;

/// <param name="BaseUrl">The edge, where the public API is.</param>
/// <param name="Email">Who loads; may write buildings and sensors.</param>
/// <param name="Replay">Whether to go on as a live feed after the load.</param>
internal sealed record SampleOptions(Uri BaseUrl, string Email, string Password, bool Replay)
{
    public const string Usage = """
        Loads the sample city through the public API, then replays it as a live feed.

          CityPulse.Samples [--no-replay]

        environment
          services__api__http__0   base URL of the API (set by the AppHost)
          Demo__Password           password of the demo users
          Samples__Email           who loads (manager@demo.citypulse.local)
          Samples__Replay          false = same as --no-replay
        """;

    /// <exception cref="SampleException">A setting is missing or wrong; the message names it.</exception>
    public static SampleOptions Read(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var unknown = arguments.FirstOrDefault(argument => argument != "--no-replay");
        if (unknown is not null)
        {
            throw new SampleException($"Unknown argument '{unknown}'.{Environment.NewLine}{Usage}");
        }

        var url = environment("services__api__http__0")
            ?? throw new SampleException("services__api__http__0 is not set: start the samples through the AppHost, or set it to the API's base URL.");
        if (!Uri.TryCreate(url, UriKind.Absolute, out var baseUrl) || baseUrl.Scheme is not ("http" or "https"))
        {
            throw new SampleException($"services__api__http__0 is '{url}', which is not an http URL.");
        }

        var password = environment("Demo__Password");
        if (string.IsNullOrEmpty(password))
        {
            throw new SampleException("Demo__Password is not set: the demo user's password is needed to load the sample city.");
        }

        var replay = environment("Samples__Replay") is not { } text ? true
            : bool.TryParse(text, out var flag) ? flag
            : throw new SampleException($"Samples__Replay is '{text}'; it takes true or false.");

        return new SampleOptions(
            baseUrl,
            environment("Samples__Email") ?? "manager@demo.citypulse.local",
            password,
            replay && !arguments.Contains("--no-replay"));
    }
}
