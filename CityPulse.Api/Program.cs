using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Events;
using CityPulse.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddCityData();
builder.AddEnergy();
builder.AddEvents();

var app = builder.Build();
app.MapServiceDefaults();
app.UseTenant();
app.MapEnergy();
app.Run();
