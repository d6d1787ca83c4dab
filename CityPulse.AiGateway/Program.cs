using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Conversations;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.OpenAi;
using CityPulse.AiGateway.Swarm;
using CityPulse.ServiceDefaults;
using CityPulse.ServiceDefaults.Schema;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddRedisClient("redis");
builder.AddModels();
builder.AddConversations();
builder.AddChat();
builder.AddOpenAi();
builder.AddAccounting();
builder.AddSwarm();

var app = builder.Build();
app.MapServiceDefaults();
app.MapModels();
app.MapChat();
app.MapOpenAi();
app.MapConversations();
app.MapAccounting();
app.MapSwarm();
return await app.RunOrMigrateAsync(args);
