using HandlebarsDotNet;

namespace CityPulse.Deploy;

/// <summary>Renders the templates in <c>deploy/aspirate</c> into the files that <c>aspirate generate</c> would write.</summary>
internal sealed class TemplateRenderer(string templates)
{
    /// <summary>Contents by path: a folder for each resource, and the kustomization that lists them.</summary>
    public SortedDictionary<string, string> Render(IEnumerable<DeploymentData> deployments)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var folders = new List<string>();
        foreach (var deployment in deployments)
        {
            folders.Add(deployment.Name!);
            foreach (var file in deployment.Manifests.Append("kustomization.yaml"))
            {
                files[$"{deployment.Name}/{file}"] = Fill(file, deployment);
            }
        }

        files["kustomization.yaml"] = Fill("kustomization.yaml", new DeploymentData { Manifests = folders });
        return files;
    }

    private string Fill(string file, DeploymentData data)
    {
        var template = Path.Combine(templates, Path.ChangeExtension(file, ".hbs"));
        return File.Exists(template)
            ? Handlebars.Compile(File.ReadAllText(template))(data)
            : throw new DeployException($"There is no template {template}.");
    }
}
