using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Channels, what is on its way to them, and every attempt.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128080000_AlertChannels")]
internal sealed class ChannelsMigration : Migration
{
    // No foreign key to channels: what was sent stays on record, and whoever raises an alert need not wait for who deletes a channel.
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE alert_channels (
            id              uuid         PRIMARY KEY,
            organization_id uuid         NOT NULL REFERENCES organizations ON DELETE CASCADE,
            created_at      timestamptz  NOT NULL,
            updated_at      timestamptz  NOT NULL,
            version         integer      NOT NULL,
            name            varchar(200) NOT NULL,
            type            text         NOT NULL,
            url             text,
            recipient       text,
            secret          bytea,
            min_severity    text         NOT NULL,
            building_ids    uuid[]
        );
        CREATE INDEX ix_alert_channels_organization_id ON alert_channels (organization_id, id);

        CREATE TABLE alert_deliveries (
            id              uuid        PRIMARY KEY,
            organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
            channel_id      uuid        NOT NULL,
            alert_id        uuid,
            event_id        uuid        NOT NULL,
            event_type      text        NOT NULL,
            body            bytea       NOT NULL,
            created_at      timestamptz NOT NULL,
            give_up_at      timestamptz NOT NULL,
            status          text        NOT NULL,
            attempts        integer     NOT NULL,
            next_attempt_at timestamptz,
            lease           uuid,
            finished_at     timestamptz
        );
        CREATE INDEX ix_alert_deliveries_due ON alert_deliveries (next_attempt_at) WHERE status = 'pending';
        CREATE INDEX ix_alert_deliveries_alert ON alert_deliveries (alert_id, id);
        CREATE INDEX ix_alert_deliveries_channel ON alert_deliveries (channel_id, id);
        CREATE INDEX ix_alert_deliveries_dead ON alert_deliveries (channel_id, id) WHERE status = 'dead';
        CREATE INDEX ix_alert_deliveries_finished ON alert_deliveries (finished_at) WHERE finished_at IS NOT NULL;

        CREATE TABLE alert_delivery_attempts (
            id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
            delivery_id     uuid        NOT NULL REFERENCES alert_deliveries ON DELETE CASCADE,
            at              timestamptz NOT NULL,
            duration_ms     integer     NOT NULL,
            status_code     integer,
            error           text
        );
        CREATE INDEX ix_alert_delivery_attempts_delivery ON alert_delivery_attempts (delivery_id, id);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) =>
        migrationBuilder.Sql("DROP TABLE alert_delivery_attempts, alert_deliveries, alert_channels;");
}
