using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Conversations;
using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddRedisClient("redis");
builder.AddModels();
builder.AddConversations();
builder.AddChat();

var app = builder.Build();
app.MapServiceDefaults();
app.MapModels();
app.MapChat();
app.MapConversations();
app.Run();
