using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Events;
using CityPulse.Api.Http;
using CityPulse.Api.OperatorConsole;
using CityPulse.Api.Readings;
using CityPulse.Api.Sensors;
using CityPulse.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddCityData();
builder.AddEnergy();
builder.AddEvents();
builder.AddReadings();
builder.AddHttpConventions();

var app = builder.Build();
app.MapServiceDefaults();
app.UseConsole();
app.UseTenant();
app.MapBuildings();
app.MapSensors();
app.MapReadings();
app.MapEnergy();
app.Run();
