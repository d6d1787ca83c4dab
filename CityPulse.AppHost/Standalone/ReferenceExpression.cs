using System.Runtime.CompilerServices;
using System.Text;

namespace CityPulse.AppHost.Standalone;

/// <summary>Text with references in it: resolved when the application runs, written as expressions in the manifest.</summary>
public sealed class ReferenceExpression : IValueProvider, IManifestExpressionProvider
{
    private readonly IReadOnlyList<object> _parts;

    private ReferenceExpression(IReadOnlyList<object> parts) => _parts = parts;

    /// <inheritdoc />
    public string ValueExpression =>
        string.Concat(_parts.Select(part => part is IManifestExpressionProvider reference ? reference.ValueExpression : (string)part));

    /// <summary>What the text refers to.</summary>
    internal IEnumerable<object> References => _parts.Where(part => part is not string);

    /// <summary>Makes one from an interpolated string.</summary>
    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => new(handler.Parts);

    /// <inheritdoc />
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        foreach (var part in _parts)
        {
            text.Append(part is IValueProvider value ? await value.GetValueAsync(cancellationToken) : (string)part);
        }

        return text.ToString();
    }

    /// <summary>Collects the parts of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        internal List<object> Parts { get; } = new(formattedCount * 2 + Math.Sign(literalLength));

        /// <summary>Text between references.</summary>
        public void AppendLiteral(string value) => Parts.Add(value);

        /// <summary>Text.</summary>
        public void AppendFormatted(string? value) => Parts.Add(value ?? "");

        /// <summary>A reference.</summary>
        public void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider => Parts.Add(valueProvider);

        /// <summary>A resource that has a value.</summary>
        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider => Parts.Add(valueProvider.Resource);
    }
}
