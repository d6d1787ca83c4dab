using CityPulse.Realtime.Feed;
using CityPulse.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddFeed();

var app = builder.Build();
app.MapServiceDefaults();
app.MapFeed();
app.Run();
