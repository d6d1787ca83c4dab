using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Readings;

/// <summary>
/// The readings themselves, and the version of every organisation's set of sensors, by which ingest knows on every
/// batch whether what it remembers of the sensors still holds.
/// </summary>
[DbContext(typeof(CityDb))]
[Migration("20261124000100_Readings")]
internal sealed class ReadingsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        // The columns stand in the order of their alignment: 48 bytes a row where the order of the key would take 56.
        // No foreign key to sensors: its check would cost more than the insert. Ingest holds the organisation's lock
        // (below) in share mode and deletes go through it in exclusive mode, which is the same promise once a batch.
        migrationBuilder.Sql("""
            CREATE TABLE readings (
                observed_at timestamptz      NOT NULL,
                value       double precision NOT NULL,
                sensor_key  integer          NOT NULL,
                quality     smallint         NOT NULL DEFAULT 0,
                PRIMARY KEY (sensor_key, observed_at)
            ) PARTITION BY RANGE (observed_at);

            CREATE TABLE sensor_registries (
                organization_id uuid   PRIMARY KEY,
                version         bigint NOT NULL
            );
            """);

        // The version is the id of the transaction that last changed the organisation's sensors: a bulk change writes
        // it once. Creating needs no lock (a batch that does not know the sensor yet is no older truth); changing and
        // deleting wait for the batches under way and keep new ones out until they commit.
        migrationBuilder.Sql("""
            CREATE FUNCTION sensor_registry_lock(organization uuid) RETURNS bigint
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(organization::text, 7207) $$;

            CREATE FUNCTION sensor_registry_changed() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE organization uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END;
            BEGIN
                IF TG_OP <> 'INSERT' THEN
                    PERFORM pg_advisory_xact_lock(sensor_registry_lock(organization));
                END IF;

                INSERT INTO sensor_registries AS r (organization_id, version)
                VALUES (organization, pg_current_xact_id()::text::bigint)
                ON CONFLICT (organization_id) DO UPDATE SET version = excluded.version
                WHERE r.version <> excluded.version;

                IF TG_OP = 'DELETE' THEN
                    DELETE FROM readings WHERE sensor_key = OLD.key;
                END IF;

                RETURN NULL;
            END $$;

            CREATE TRIGGER sensors_come_and_go AFTER INSERT OR DELETE ON sensors
            FOR EACH ROW EXECUTE FUNCTION sensor_registry_changed();

            CREATE TRIGGER sensors_change AFTER UPDATE OF organization_id, building_id, external_id, min_value, max_value ON sensors
            FOR EACH ROW EXECUTE FUNCTION sensor_registry_changed();
            """);
    }

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TRIGGER sensors_change ON sensors;
        DROP TRIGGER sensors_come_and_go ON sensors;
        DROP FUNCTION sensor_registry_changed();
        DROP FUNCTION sensor_registry_lock(uuid);
        DROP TABLE sensor_registries;
        DROP TABLE readings;
        """);
}
