using CityPulse.Api.Data;
using CityPulse.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddCityData();

var app = builder.Build();
app.MapServiceDefaults();
app.UseTenant();
app.Run();
