using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Events;

/// <summary>The outbox: what happened, written in the transaction in which it happened, placed and told afterwards.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261124000200_Outbox")]
internal sealed class OutboxMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE outbox (
            id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            position        bigint,
            organization_id uuid        NOT NULL,
            at              timestamptz NOT NULL,
            type            text        NOT NULL,
            topics          text[]      NOT NULL,
            data            bytea       NOT NULL
        );

        -- Packed readings do not compress; trying costs more than the insert.
        ALTER TABLE outbox ALTER COLUMN data SET STORAGE EXTERNAL;

        CREATE INDEX outbox_unplaced ON outbox (id) WHERE position IS NULL;
        CREATE UNIQUE INDEX outbox_position ON outbox (position) WHERE position IS NOT NULL;
        CREATE INDEX outbox_organization_position ON outbox (organization_id, position) WHERE position IS NOT NULL;

        -- One row: the last place given, and the last place that is known to have been told. A table and not a sequence,
        -- so that a place given in a transaction that fails is given again: places have no gaps.
        CREATE TABLE outbox_head (
            only_row           boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            last_position      bigint NOT NULL,
            published_position bigint NOT NULL
        );
        INSERT INTO outbox_head (last_position, published_position) VALUES (0, 0);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TABLE outbox_head;
        DROP TABLE outbox;
        """);
}
