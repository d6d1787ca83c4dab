using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.DeviceKeys;

/// <summary>Device keys. A deleted one is noted as revoked by the database itself, as ended sessions are.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128010200_DeviceKeys")]
internal sealed class DeviceKeysMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE device_keys (
            id              uuid                     NOT NULL CONSTRAINT pk_device_keys PRIMARY KEY,
            organization_id uuid                     NOT NULL
                CONSTRAINT fk_device_keys_organizations_organization_id REFERENCES organizations (id) ON DELETE CASCADE,
            name            character varying(200)   NOT NULL,
            hash            bytea                    NOT NULL,
            hint            character varying(8)     NOT NULL,
            building_ids    uuid[],
            expires_at      timestamp with time zone,
            last_used_at    timestamp with time zone,
            created_at      timestamp with time zone NOT NULL,
            updated_at      timestamp with time zone NOT NULL,
            version         integer                  NOT NULL
        );
        CREATE UNIQUE INDEX ix_device_keys_hash ON device_keys (hash);
        CREATE INDEX ix_device_keys_organization_id ON device_keys (organization_id);

        CREATE TRIGGER device_keys_go AFTER DELETE ON device_keys
        FOR EACH ROW EXECUTE FUNCTION note_revocation();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.DropTable("device_keys");
}
