namespace CityPulse.AppHost.Standalone;

/// <summary>The variables that every project gets, as Aspire writes them.</summary>
internal static class ProjectEnvironment
{
    public static void Describe(EnvironmentCallbackContext context)
    {
        var resource = (ProjectResource)context.Resource;
        var http = resource.Annotations.OfType<EndpointAnnotation>()
            .Where(endpoint => endpoint.UriScheme == "http" && endpoint.TargetPortEnvironmentVariable is null)
            .Select(endpoint => new EndpointReference(resource, endpoint.Name))
            .ToList();
        if (context.ExecutionContext.IsPublishMode)
        {
            if (resource.Annotations.OfType<EndpointAnnotation>().Any())
            {
                context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
            }

            if (http.Count > 0)
            {
                context.EnvironmentVariables["HTTP_PORTS"] = Join(http, static e => ReferenceExpression.Create($"{e.Property(EndpointProperty.TargetPort)}"));
            }

            return;
        }

        context.EnvironmentVariables["OTEL_SERVICE_NAME"] = resource.Name;
        if (http.Count > 0)
        {
            context.EnvironmentVariables["ASPNETCORE_URLS"] = Join(http, static e => ReferenceExpression.Create($"http://localhost:{e.Property(EndpointProperty.TargetPort)}"));
        }

        // One line an entry reads well behind a prefix.
        context.EnvironmentVariables["Logging__Console__FormatterName"] = "simple";
        context.EnvironmentVariables["Logging__Console__FormatterOptions__SingleLine"] = "true";
    }

    private static ReferenceExpression Join(IEnumerable<EndpointReference> endpoints, Func<EndpointReference, ReferenceExpression> each) =>
        endpoints.Select(each).Aggregate(static (all, next) => ReferenceExpression.Create($"{all};{next}"));
}
