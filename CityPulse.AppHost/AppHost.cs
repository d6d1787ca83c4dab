using CityPulse.AppHost;

var builder = DistributedApplication.CreateBuilder(Settings.Normalize(args));
var settings = Settings.Read(builder);

var encryptionKey = builder.AddParameter("auth-key-encryption-key", secret: true);
var internalKey = builder.AddParameter("internal-key", secret: true);
var database = builder.AddCityDatabase(settings);
var redis = builder.AddCityRedis();

var api = builder.AddService<Projects.CityPulse_Api>("api", settings, internalKey, port: settings.Port, external: true)
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithEnvironment("Auth__KeyEncryptionKey", encryptionKey)
    .WithUrlForEndpoint("http", url => (url.Url, url.DisplayText) = ("/docs", "API docs"));

var realtime = builder.AddService<Projects.CityPulse_Realtime>("realtime", settings, internalKey)
    .WithReference(redis).WaitFor(redis)
    .WithReference(api).WaitFor(api);

var aiGateway = builder.AddService<Projects.CityPulse_AiGateway>("aigateway", settings, internalKey)
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithReference(api).WaitFor(api);

// The edge forwards to both and must not wait for them: they wait for it.
api.WithReference(realtime).WithReference(aiGateway);

if (settings.DescribesModelKey)
{
    aiGateway.WithEnvironment("Ai__Providers__OpenAi__ApiKey", builder.AddParameter("openai-api-key", secret: true));
}

if (settings.DemoPassword is { } demoPassword)
{
    api.WithEnvironment("Demo__Password", demoPassword);
}

if (settings.Sample)
{
    builder.AddProject<Projects.CityPulse_Samples>("samples", launchProfileName: null)
        .WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ServiceDiscovery)
        .WithReference(api).WaitFor(api)
        .WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
        .WithEnvironment("Demo__Password", settings.DemoPassword)
        .ExcludeFromManifest();
}

builder.Build().Run();
