using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CityPulse.AppHost.Standalone.Publishing;

/// <summary>
/// Writes the Aspire manifest as real Aspire does: parameter.v0, container.v0, value.v0, project.v0, with references as
/// expressions. No value of a secret is ever asked for here.
/// </summary>
internal sealed class ManifestWriter(DistributedApplicationModel model, string path, Utf8JsonWriter json)
{
    // Ports for endpoints that name none, as Aspire deals them out.
    private int _nextPort = 8000;

    public static async Task WriteAsync(DistributedApplicationModel model, string path, CancellationToken cancellationToken) =>
        await File.WriteAllBytesAsync(path, Write(model, path), cancellationToken);

    /// <summary>The manifest as it would stand at a path, which its own paths are relative to.</summary>
    public static byte[] Write(DistributedApplicationModel model, string path)
    {
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, options))
        {
            new ManifestWriter(model, path, json).WriteResources();
        }

        return [.. bytes.WrittenSpan, (byte)'\n'];
    }

    private void WriteResources()
    {
        json.WriteStartObject();
        json.WriteStartObject("resources");
        foreach (var resource in model.Resources.Where(r => !r.Annotations.OfType<ExcludeFromManifestAnnotation>().Any()))
        {
            json.WriteStartObject(resource.Name);
            Write(resource);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Write(IResource resource)
    {
        switch (resource)
        {
            case ContainerResource:
                json.WriteString("type", "container.v0");
                WriteConnectionString(resource);
                WriteContainer(resource);
                break;
            case ProjectResource:
                json.WriteString("type", "project.v0");
                json.WriteString("path", Relative(resource.Annotations.OfType<IProjectMetadata>().Last().ProjectPath));
                WriteArguments(resource);
                WriteEnvironment(resource);
                WriteBindings(resource);
                break;
            case ExecutableResource executable:
                json.WriteString("type", "executable.v0");
                json.WriteString("workingDirectory", Relative(executable.WorkingDirectory));
                json.WriteString("command", executable.Command);
                WriteArguments(resource);
                WriteEnvironment(resource);
                WriteBindings(resource);
                break;
            case ParameterResource parameter:
                WriteParameter(parameter);
                break;
            case ConnectionStringParameterResource given:
                WriteParameter(new ParameterResource(given.Name, () => "", secret: true), isConnectionString: true);
                break;
            case IResourceWithConnectionString:
                json.WriteString("type", "value.v0");
                WriteConnectionString(resource);
                break;
            default:
                throw new DistributedApplicationException($"Resource '{resource.Name}' ({resource.GetType().Name}) cannot be written to a manifest.");
        }
    }

    private void WriteContainer(IResource resource)
    {
        var image = resource.Annotations.OfType<ContainerImageAnnotation>().Last();
        json.WriteString("image", $"{image.Registry}/{image.Image}:{image.Tag}");
        if (image.Entrypoint is not null)
        {
            json.WriteString("entrypoint", image.Entrypoint);
        }

        WriteArguments(resource);
        var volumes = resource.Annotations.OfType<ContainerVolumeAnnotation>().ToList();
        if (volumes.Count > 0)
        {
            json.WriteStartArray("volumes");
            foreach (var volume in volumes)
            {
                json.WriteStartObject();
                json.WriteString("name", volume.Source);
                json.WriteString("target", volume.Target);
                json.WriteBoolean("readOnly", false);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        WriteEnvironment(resource);
        WriteBindings(resource);
    }

    private void WriteParameter(ParameterResource parameter, bool isConnectionString = false)
    {
        json.WriteString("type", "parameter.v0");
        if (isConnectionString)
        {
            json.WriteString("connectionString", parameter.ValueExpression);
        }

        json.WriteString("value", $"{{{parameter.Name}.inputs.value}}");
        json.WriteStartObject("inputs");
        json.WriteStartObject("value");
        json.WriteString("type", "string");
        if (parameter.Secret)
        {
            json.WriteBoolean("secret", true);
        }

        if (parameter.PublishedDefault is not null)
        {
            json.WriteStartObject("default");
            json.WriteString("value", parameter.PublishedDefault);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteConnectionString(IResource resource)
    {
        if (resource is IResourceWithConnectionString withConnectionString)
        {
            json.WriteString("connectionString", withConnectionString.ConnectionStringExpression.ValueExpression);
        }
    }

    private void WriteArguments(IResource resource)
    {
        var arguments = resource.Annotations.OfType<CommandLineArgsAnnotation>().SelectMany(a => a.Args).ToList();
        if (arguments.Count == 0)
        {
            return;
        }

        json.WriteStartArray("args");
        foreach (var argument in arguments)
        {
            json.WriteStringValue(Expression(argument));
        }

        json.WriteEndArray();
    }

    private void WriteEnvironment(IResource resource)
    {
        var context = new EnvironmentCallbackContext(model.ExecutionContext, resource);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            annotation.Callback(context);
        }

        if (context.EnvironmentVariables.Count == 0)
        {
            return;
        }

        json.WriteStartObject("env");
        foreach (var (name, value) in context.EnvironmentVariables)
        {
            json.WriteString(name, Expression(value));
        }

        json.WriteEndObject();
    }

    private void WriteBindings(IResource resource)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().ToList();
        if (endpoints.Count == 0)
        {
            return;
        }

        json.WriteStartObject("bindings");
        for (var i = 0; i < endpoints.Count; i++)
        {
            var endpoint = endpoints[i];
            var isDefault = resource is ProjectResource && endpoint.UriScheme == "http" && !endpoints.Take(i).Any(e => e.UriScheme == "http");
            var target = endpoint.TargetPort ?? (resource is ContainerResource ? endpoint.Port : null) ?? (isDefault ? null : _nextPort++);
            json.WriteStartObject(endpoint.Name);
            json.WriteString("scheme", endpoint.UriScheme);
            json.WriteString("protocol", "tcp");
            json.WriteString("transport", endpoint.Transport);
            if (endpoint.Port is { } port && port != target && target is not null)
            {
                json.WriteNumber("port", port);
            }

            if (target is not null)
            {
                json.WriteNumber("targetPort", target.Value);
            }

            if (endpoint.IsExternal)
            {
                json.WriteBoolean("external", true);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private string Relative(string file) => Path.GetRelativePath(Path.GetDirectoryName(path)!, file).Replace('\\', '/');

    private static string Expression(object value) => value switch
    {
        IManifestExpressionProvider reference => reference.ValueExpression,
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
