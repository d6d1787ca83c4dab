using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace CityPulse.Api.Alerts;

// The tables are plain SQL (AlertsMigration).
internal sealed class AlertConfiguration : IEntityTypeConfiguration<Alert>
{
    public void Configure(EntityTypeBuilder<Alert> builder)
    {
        builder.ToTable("alerts", table => table.ExcludeFromMigrations());
        builder.Property(a => a.State).HasConversion(new WordConverter<Domain.AlertState>());
        builder.Property(a => a.Severity).HasConversion(new WordConverter<Domain.AlertSeverity>());
        builder.Ignore(a => a.Facts);
    }
}

internal sealed class AlertEntryConfiguration : IEntityTypeConfiguration<AlertEntry>
{
    public void Configure(EntityTypeBuilder<AlertEntry> builder)
    {
        builder.ToTable("alert_history", table => table.ExcludeFromMigrations());
        builder.Property(e => e.Id).UseIdentityAlwaysColumn();
        builder.Property(e => e.State).HasConversion(new WordConverter<Domain.AlertState>());
    }
}

internal sealed class AlertRuleConfiguration : IEntityTypeConfiguration<AlertRule>
{
    public void Configure(EntityTypeBuilder<AlertRule> builder)
    {
        builder.ToTable("alert_rules", table => table.ExcludeFromMigrations());
        builder.Property(r => r.Severity).HasConversion(new WordConverter<Domain.AlertSeverity>());
    }
}

/// <summary>Enums as the words of the API, so that a look into the database needs no key.</summary>
internal sealed class WordConverter<TEnum>() : ValueConverter<TEnum, string>(value => Words.Of(value), word => Words.Parse<TEnum>(word))
    where TEnum : struct, Enum;

internal static class Words
{
    public static string Of<TEnum>(TEnum value)
        where TEnum : struct, Enum => Table<TEnum>.ByValue[value];

    public static TEnum Parse<TEnum>(string word)
        where TEnum : struct, Enum => Table<TEnum>.ByWord[word];

    public static bool TryParse<TEnum>(string? word, out TEnum value)
        where TEnum : struct, Enum => Table<TEnum>.ByWord.TryGetValue(word ?? "", out value);

    public static IReadOnlyCollection<string> All<TEnum>()
        where TEnum : struct, Enum => Table<TEnum>.ByWord.Keys;

    private static class Table<TEnum>
        where TEnum : struct, Enum
    {
        public static readonly Dictionary<TEnum, string> ByValue =
            Enum.GetValues<TEnum>().ToDictionary(value => value, value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

        public static readonly Dictionary<string, TEnum> ByWord = ByValue.ToDictionary(entry => entry.Value, entry => entry.Key);
    }
}
