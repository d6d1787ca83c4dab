using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Backlog;

/// <summary>Since when work waits. By default, so that replicas of the version before go on writing it without knowing.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128070000_Backlog")]
internal sealed class BacklogMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE rollup_dirty ADD COLUMN dirty_at timestamptz NOT NULL DEFAULT now();
        ALTER TABLE alert_work ADD COLUMN queued_at timestamptz NOT NULL DEFAULT now();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE alert_work DROP COLUMN queued_at;
        ALTER TABLE rollup_dirty DROP COLUMN dirty_at;
        """);
}
