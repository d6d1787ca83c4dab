using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Readings.Retention;

/// <summary>Each organisation's own decision on how long readings are kept, carried over to its series (see RollupsMigration).</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128040200_Retention")]
internal sealed class RetentionMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE retention_settings (
            id              uuid        NOT NULL CONSTRAINT pk_retention_settings PRIMARY KEY,
            organization_id uuid        NOT NULL
                CONSTRAINT fk_retention_settings_organizations_organization_id REFERENCES organizations ON DELETE CASCADE,
            months          integer,
            created_at      timestamptz NOT NULL,
            updated_at      timestamptz NOT NULL,
            version         integer     NOT NULL
        );
        CREATE UNIQUE INDEX ix_retention_settings_organization_id ON retention_settings (organization_id);

        CREATE FUNCTION retention_settings_follow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- Sensors that are being made hold this lock in share mode: they come before or after.
            PERFORM pg_advisory_xact_lock(hashtextextended(NEW.organization_id::text, 7208));
            UPDATE reading_series r SET keep_months = NEW.months FROM sensors s
            WHERE s.organization_id = NEW.organization_id AND r.sensor_key = s.key;
            RETURN NULL;
        END $$;

        CREATE TRIGGER retention_settings_decide AFTER INSERT OR UPDATE ON retention_settings
        FOR EACH ROW EXECUTE FUNCTION retention_settings_follow();

        -- After sensors_have_series, in order of name: the new series takes its organisation's decision over.
        CREATE FUNCTION reading_series_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended(NEW.organization_id::text, 7208));
            UPDATE reading_series SET keep_months = s.months FROM retention_settings s
            WHERE s.organization_id = NEW.organization_id AND s.months IS NOT NULL AND sensor_key = NEW.key;
            RETURN NULL;
        END $$;

        CREATE TRIGGER sensors_have_series_kept AFTER INSERT ON sensors
        FOR EACH ROW EXECUTE FUNCTION reading_series_keep();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TRIGGER sensors_have_series_kept ON sensors;
        DROP FUNCTION reading_series_keep();
        DROP TABLE retention_settings;
        DROP FUNCTION retention_settings_follow();
        """);
}
