using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>
/// Rollups, and what keeps them exact. None of these tables names an organisation: like the readings they are keyed by the sensor
/// and reached only through an organisation's sensors, so row-level security does not apply to reading_series, rollups,
/// rollup_dirty and reading_months, and the work on them needs to know of no organisation.
/// </summary>
[DbContext(typeof(CityDb))]
[Migration("20261128040100_Rollups")]
internal sealed class RollupsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql("""
            -- What background work has to know of a sensor. Locking a row keeps other workers, and the sensor's end, waiting.
            CREATE TABLE reading_series (
                sensor_key       integer PRIMARY KEY,
                interval_seconds integer NOT NULL,
                time_zone        text    NOT NULL,
                keep_months      integer
            );

            -- One row an hour of UTC, or a half or quarter hour where the days of the building's zone begin at such times.
            -- sum_rest is what sum cannot hold: the two are one number of some 106 bits.
            CREATE TABLE rollups (
                bucket          timestamptz      NOT NULL,
                sum             double precision NOT NULL,
                sum_rest        double precision NOT NULL,
                min             double precision NOT NULL,
                max             double precision NOT NULL,
                first           double precision NOT NULL,
                last            double precision NOT NULL,
                covered_seconds double precision NOT NULL,
                sensor_key      integer          NOT NULL,
                count           integer          NOT NULL,
                PRIMARY KEY (sensor_key, bucket)
            ) WITH (fillfactor = 90);

            -- Where rollups may not tell what the readings do: full hours of UTC. Written in the transaction that changes
            -- readings, a new row each time, so that writers never wait for each other; the worker takes rows away.
            CREATE TABLE rollup_dirty (
                sensor_key integer     NOT NULL,
                from_at    timestamptz NOT NULL,
                to_at      timestamptz NOT NULL
            ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
            CREATE INDEX rollup_dirty_sensor ON rollup_dirty (sensor_key);

            -- The months of UTC in which a sensor has readings. In a sealed one readings have been given up: its rollups are final.
            CREATE TABLE reading_months (
                month_start timestamptz NOT NULL,
                month_end   timestamptz NOT NULL,
                written_at  timestamptz NOT NULL,
                sensor_key  integer     NOT NULL,
                has_raw     boolean     NOT NULL,
                is_sealed   boolean     NOT NULL,
                PRIMARY KEY (sensor_key, month_start)
            );
            CREATE INDEX reading_months_with_raw ON reading_months (month_start) WHERE has_raw;

            -- Where an answer for [since, until) must be read from the readings: where rollups are dirty, and in the rollups
            -- that the ends cut. Never in sealed months.
            CREATE FUNCTION rollup_raw_spans(
                series integer, since timestamptz, until timestamptz, first_whole timestamptz, last_whole timestamptz)
            RETURNS tstzmultirange LANGUAGE sql STABLE AS $$
                SELECT coalesce(range_agg(tstzrange(d.from_at, d.to_at)), '{}')
                    - coalesce((
                        SELECT range_agg(tstzrange(m.month_start, m.month_end)) FROM reading_months m
                        WHERE m.sensor_key = series AND m.is_sealed AND m.month_start < until AND m.month_end > since), '{}')
                FROM (
                    SELECT greatest(from_at, since), least(to_at, until) FROM rollup_dirty
                    WHERE sensor_key = series AND from_at < until AND to_at > since
                    UNION ALL SELECT since, least(first_whole, until)
                    UNION ALL SELECT greatest(last_whole, since), until) d (from_at, to_at)
            $$;
            """);
        migrationBuilder.Sql("""
            CREATE FUNCTION reading_series_follow() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' THEN
                    -- The row first: it waits for a worker that is at this sensor, and keeps the next one off.
                    DELETE FROM reading_series WHERE sensor_key = OLD.key;
                    DELETE FROM rollup_dirty WHERE sensor_key = OLD.key;
                    DELETE FROM reading_months WHERE sensor_key = OLD.key;
                    DELETE FROM rollups WHERE sensor_key = OLD.key;
                ELSIF TG_OP = 'INSERT' THEN
                    INSERT INTO reading_series (sensor_key, interval_seconds, time_zone)
                    SELECT NEW.key, NEW.interval_seconds, b.time_zone FROM buildings b WHERE b.id = NEW.building_id
                    -- A change of the building's zone under way does not see this sensor: it must come before or after.
                    FOR SHARE;
                ELSE
                    UPDATE reading_series SET interval_seconds = NEW.interval_seconds, time_zone = (
                        SELECT b.time_zone FROM buildings b WHERE b.id = NEW.building_id FOR SHARE)
                    WHERE sensor_key = NEW.key;
                    INSERT INTO rollup_dirty VALUES (NEW.key, '-infinity', 'infinity');
                END IF;

                RETURN NULL;
            END $$;

            CREATE TRIGGER sensors_have_series AFTER INSERT OR DELETE ON sensors
            FOR EACH ROW EXECUTE FUNCTION reading_series_follow();

            CREATE TRIGGER sensors_change_series AFTER UPDATE OF interval_seconds, building_id ON sensors FOR EACH ROW
            WHEN (OLD.interval_seconds <> NEW.interval_seconds OR OLD.building_id <> NEW.building_id)
            EXECUTE FUNCTION reading_series_follow();

            CREATE FUNCTION reading_series_follow_zone() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                WITH moved AS (
                    UPDATE reading_series r SET time_zone = NEW.time_zone FROM sensors s
                    WHERE s.building_id = NEW.id AND r.sensor_key = s.key
                    RETURNING r.sensor_key)
                INSERT INTO rollup_dirty SELECT sensor_key, '-infinity', 'infinity' FROM moved;
                RETURN NULL;
            END $$;

            CREATE TRIGGER buildings_change_series AFTER UPDATE OF time_zone ON buildings FOR EACH ROW
            WHEN (OLD.time_zone <> NEW.time_zone) EXECUTE FUNCTION reading_series_follow_zone();

            INSERT INTO reading_series (sensor_key, interval_seconds, time_zone)
            SELECT s.key, s.interval_seconds, b.time_zone FROM sensors s JOIN buildings b ON b.id = s.building_id;
            INSERT INTO rollup_dirty SELECT sensor_key, '-infinity', 'infinity' FROM reading_series;
            """);
    }

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TRIGGER buildings_change_series ON buildings;
        DROP TRIGGER sensors_change_series ON sensors;
        DROP TRIGGER sensors_have_series ON sensors;
        DROP FUNCTION reading_series_follow_zone();
        DROP FUNCTION reading_series_follow();
        DROP FUNCTION rollup_raw_spans(integer, timestamptz, timestamptz, timestamptz, timestamptz);
        DROP TABLE reading_months;
        DROP TABLE rollup_dirty;
        DROP TABLE rollups;
        DROP TABLE reading_series;
        """);
}
