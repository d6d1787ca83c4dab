using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>What channels gather during a flood of alerts, and when they are escalated to. Replicas that know nothing of it go on as before.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128080100_AlertFloods")]
internal sealed class FloodsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE alert_channels
            ADD COLUMN group_floods boolean NOT NULL DEFAULT false,
            ADD COLUMN escalate_after_minutes integer;
        UPDATE alert_channels SET group_floods = true WHERE type = 'email';

        ALTER TABLE alert_deliveries ADD COLUMN group_id uuid;
        CREATE INDEX ix_alert_deliveries_gathered ON alert_deliveries (channel_id, next_attempt_at) WHERE status = 'gathered';
        -- How many alerts a channel was told of lately, and its last flood.
        CREATE INDEX ix_alert_deliveries_told ON alert_deliveries (channel_id, event_type, created_at)
            WHERE event_type IN ('alert.raised', 'alert.escalated', 'alert.flood');
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DELETE FROM alert_deliveries WHERE status IN ('gathered', 'grouped');
        DROP INDEX ix_alert_deliveries_told, ix_alert_deliveries_gathered;
        ALTER TABLE alert_deliveries DROP COLUMN group_id;
        ALTER TABLE alert_channels DROP COLUMN group_floods, DROP COLUMN escalate_after_minutes;
        """);
}
