using CityPulse.Api.Data;
using CityPulse.Api.Events;
using CityPulse.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddCityData();
builder.AddEvents();

var app = builder.Build();
app.MapServiceDefaults();
app.UseTenant();
app.Run();
