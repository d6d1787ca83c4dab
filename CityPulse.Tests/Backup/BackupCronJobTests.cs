using CityPulse.Backup;
using CityPulse.Tests.Support;
using Shouldly;
using YamlDotNet.RepresentationModel;

namespace CityPulse.Tests.Backup;

public sealed class BackupCronJobTests
{
    private readonly Dictionary<string, YamlNode> _documents = Read();

    private YamlNode Pod => _documents["CronJob"]["spec"]["jobTemplate"]["spec"]["template"];

    [Fact]
    public void The_command_line_is_one_that_the_program_understands_and_writes_where_the_volume_is()
    {
        var container = Pod["spec"]["containers"][0];
        var options = BackupOptions.Parse([.. ((YamlSequenceNode)container["args"]).Select(Text)], _ => null);
        options.Command.ShouldBe("backup");
        options.Keep.ShouldNotBeNull();
        var mount = ((YamlSequenceNode)container["volumeMounts"]).Single(m => Text(m["mountPath"]) == options.Folder);
        var volume = ((YamlSequenceNode)Pod["spec"]["volumes"]).Single(v => Text(v["name"]) == Text(mount["name"]));
        Text(volume["persistentVolumeClaim"]["claimName"]).ShouldBe(Text(_documents["PersistentVolumeClaim"]["metadata"]["name"]));
    }

    [Fact]
    public void Secrets_come_from_the_secret_and_the_pod_can_do_nothing_but_its_work()
    {
        var container = Pod["spec"]["containers"][0];
        var variables = (YamlSequenceNode)container["env"];
        variables.Select(v => Text(v["name"])).ShouldBe(["ConnectionStrings__citydb", "CITYPULSE_BACKUP_KEY"]);
        variables.ShouldAllBe(v => Text(v["valueFrom"]["secretKeyRef"]["name"]) == "citypulse-backup");
        Text(Pod["spec"]["securityContext"]["runAsNonRoot"]).ShouldBe("true");
        Text(Pod["spec"]["automountServiceAccountToken"]).ShouldBe("false");
        Text(container["securityContext"]["readOnlyRootFilesystem"]).ShouldBe("true");
        Text(container["securityContext"]["allowPrivilegeEscalation"]).ShouldBe("false");
        Text(container["securityContext"]["capabilities"]["drop"][0]).ShouldBe("ALL");
        Text(container["image"]).ShouldMatch(@"^[a-z/.-]+:\d+\.\d+\.\d+$");
        Text(_documents["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"])
            .ShouldBe(Text(Pod["metadata"]["labels"]["app.kubernetes.io/name"]));
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    private static Dictionary<string, YamlNode> Read()
    {
        using var reader = File.OpenText(Repository.PathTo("deploy", "backup", "cronjob.yaml"));
        var stream = new YamlStream();
        stream.Load(reader);
        return stream.Documents.ToDictionary(d => Text(d.RootNode["kind"]), d => d.RootNode);
    }
}
