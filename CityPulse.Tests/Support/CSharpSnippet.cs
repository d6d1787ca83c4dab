using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Shouldly;

namespace CityPulse.Tests.Support;

/// <summary>C# as it is printed in a document, compiled against what the tests know.</summary>
internal static class CSharpSnippet
{
    private static readonly string[] Implicit =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    /// <summary>As a console program with implicit usings; what it refers to lies beside it.</summary>
    public static string CompileProgram(string code)
    {
        var name = $"Snippet-{Guid.NewGuid():N}";
        var program = Path.Combine(AppContext.BaseDirectory, name + ".dll");
        using var file = File.Create(program);
        Compile(name, OutputKind.ConsoleApplication, code, Implicit, file);
        return program;
    }

    /// <summary>As a part of the services' own code, which sees what is internal to them.</summary>
    public static void ShouldCompileInside(string code, params string[] usings) =>
        Compile(typeof(CSharpSnippet).Assembly.GetName().Name!, OutputKind.DynamicallyLinkedLibrary, code, [.. Implicit, .. usings], Stream.Null);

    private static void Compile(string name, OutputKind kind, string code, IEnumerable<string> usings, Stream output)
    {
        var compilation = CSharpCompilation.Create(
            name,
            [CSharpSyntaxTree.ParseText(code), CSharpSyntaxTree.ParseText(string.Concat(usings.Select(u => $"global using {u};\n")))],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(kind, nullableContextOptions: NullableContextOptions.Enable));
        compilation.Emit(output, options: new EmitOptions(metadataOnly: output == Stream.Null))
            .Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning && d.Id != "CS8019").ShouldBeEmpty();
    }
}
