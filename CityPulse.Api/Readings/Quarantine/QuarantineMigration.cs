using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Readings.Quarantine;

/// <summary>Readings that wait for a person, and what ingest has to know of sensors to hold them.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128040300_Quarantine")]
internal sealed class QuarantineMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE quarantined_readings (
            id              uuid             NOT NULL CONSTRAINT pk_quarantined_readings PRIMARY KEY,
            organization_id uuid             NOT NULL
                CONSTRAINT fk_quarantined_readings_organizations_organization_id REFERENCES organizations ON DELETE CASCADE,
            sensor_id       uuid             NOT NULL
                CONSTRAINT fk_quarantined_readings_sensors_sensor_id REFERENCES sensors ON DELETE CASCADE,
            observed_at     timestamptz      NOT NULL,
            value           double precision NOT NULL,
            quality         smallint         NOT NULL,
            detail          text             NOT NULL,
            state           text             NOT NULL,
            decided_at      timestamptz,
            decided_by      uuid,
            created_at      timestamptz      NOT NULL,
            updated_at      timestamptz      NOT NULL,
            version         integer          NOT NULL
        );
        CREATE UNIQUE INDEX ix_quarantined_readings_sensor_id_observed_at ON quarantined_readings (sensor_id, observed_at);
        CREATE INDEX ix_quarantined_readings_organization_id_id ON quarantined_readings (organization_id, id);

        DROP TRIGGER sensors_change ON sensors;
        CREATE TRIGGER sensors_change AFTER UPDATE OF
            organization_id, building_id, external_id, min_value, max_value, quantity, unit, kind, interval_seconds, rated_power_kw ON sensors
        FOR EACH ROW EXECUTE FUNCTION sensor_registry_changed();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TRIGGER sensors_change ON sensors;
        CREATE TRIGGER sensors_change AFTER UPDATE OF organization_id, building_id, external_id, min_value, max_value ON sensors
        FOR EACH ROW EXECUTE FUNCTION sensor_registry_changed();
        DROP TABLE quarantined_readings;
        """);
}
