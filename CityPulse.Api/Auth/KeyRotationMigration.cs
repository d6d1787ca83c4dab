using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Auth;

/// <summary>From when a key signs: it is published before.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128010300_KeyRotation")]
internal sealed class KeyRotationMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE signing_keys ADD signs_from timestamp with time zone;
        UPDATE signing_keys SET signs_from = created_at;
        ALTER TABLE signing_keys ALTER COLUMN signs_from SET NOT NULL;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.DropColumn("signs_from", "signing_keys");
}
