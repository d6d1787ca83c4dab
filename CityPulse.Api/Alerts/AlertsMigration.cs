using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Alerts;

/// <summary>Rules, alerts and their history, and what evaluation remembers between readings.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128070000_Alerts")]
internal sealed class AlertsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        // No foreign keys to rules, sensors and buildings: alerts outlive them, and their going is an event of the alert (AlertRetirement).
        migrationBuilder.Sql("""
            CREATE TABLE alert_rules (
                id              uuid        PRIMARY KEY,
                organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
                created_at      timestamptz NOT NULL,
                updated_at      timestamptz NOT NULL,
                version         integer     NOT NULL,
                name            varchar(200) NOT NULL,
                enabled         boolean     NOT NULL,
                severity        text        NOT NULL,
                message         varchar(500),
                sensor_id       uuid,
                building_id     uuid,
                quantity        text,
                tag             text,
                condition       text        NOT NULL,
                maintenance     text        NOT NULL,
                revision        integer     NOT NULL,
                judged_since    timestamptz NOT NULL
            );
            CREATE INDEX ix_alert_rules_organization_id ON alert_rules (organization_id, id);

            CREATE TABLE alerts (
                id              uuid        PRIMARY KEY,
                organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
                created_at      timestamptz NOT NULL,
                updated_at      timestamptz NOT NULL,
                version         integer     NOT NULL,
                rule_id         uuid        NOT NULL,
                revision        integer     NOT NULL,
                subject_id      uuid        NOT NULL,
                sensor_id       uuid,
                building_id     uuid        NOT NULL,
                severity        text        NOT NULL,
                state           text        NOT NULL,
                is_active       boolean     NOT NULL,
                is_acknowledged boolean     NOT NULL,
                is_settled      boolean     NOT NULL,
                is_detached     boolean     NOT NULL,
                is_withdrawn    boolean     NOT NULL,
                value           double precision,
                threshold       double precision,
                message         text        NOT NULL,
                raised_at       timestamptz NOT NULL,
                acknowledged_at timestamptz,
                acknowledged_by uuid,
                cleared_at      timestamptz,
                closed_at       timestamptz,
                shelved_until   timestamptz,
                occurrences     integer     NOT NULL
            );
            -- Lists, newest first.
            CREATE INDEX ix_alerts_organization_raised ON alerts (organization_id, raised_at DESC, id DESC);
            -- The figures of the whole system.
            CREATE INDEX ix_alerts_raised ON alerts (raised_at);
            CREATE INDEX ix_alerts_active ON alerts (raised_at) WHERE is_active;
            -- Reconciliation: the alerts of a subject that an episode can belong to. Of one episode there is one alert.
            CREATE UNIQUE INDEX ix_alerts_episode ON alerts (subject_id, rule_id, revision, raised_at) WHERE NOT is_detached;
            CREATE INDEX ix_alerts_subject ON alerts (subject_id, coalesce(cleared_at, 'infinity'));
            CREATE INDEX ix_alerts_open ON alerts (organization_id, building_id) WHERE state <> 'closed';
            CREATE INDEX ix_alerts_shelved ON alerts (shelved_until) WHERE shelved_until IS NOT NULL;

            CREATE TABLE alert_history (
                id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
                alert_id        uuid        NOT NULL,
                at              timestamptz NOT NULL,
                recorded_at     timestamptz NOT NULL,
                action          text        NOT NULL,
                state           text        NOT NULL,
                by_user         uuid,
                comment         text
            );
            CREATE INDEX ix_alert_history_alert ON alert_history (alert_id, id);

            -- What evaluation knows of a sensor, or of a building as a whole: the state of every rule's machine after the last reading.
            CREATE TABLE alert_tracks (
                subject_id      uuid        PRIMARY KEY,
                organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
                building_id     uuid        NOT NULL,
                next_due        timestamptz,
                tracks          bytea       NOT NULL
            );
            CREATE INDEX ix_alert_tracks_due ON alert_tracks (next_due) WHERE next_due IS NOT NULL;
            CREATE INDEX ix_alert_tracks_building ON alert_tracks (building_id);
            ALTER TABLE alert_tracks ALTER COLUMN tracks SET STORAGE EXTERNAL;

            -- The same, as it was after earlier readings: from there a late reading is judged.
            CREATE TABLE alert_checkpoints (
                subject_id      uuid        NOT NULL,
                rule_id         uuid        NOT NULL,
                at              timestamptz NOT NULL,
                organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
                revision        integer     NOT NULL,
                state           bytea       NOT NULL,
                PRIMARY KEY (subject_id, rule_id, at)
            );

            -- What has to be judged: appended by ingest in its own transaction, deleted in the transaction that judged it. Rows are never
            -- updated, so that nobody waits for anybody.
            CREATE TABLE alert_work (
                id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                organization_id uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
                building_id     uuid        NOT NULL,
                sensor_id       uuid,
                -- Where a rule begins to be judged, and, without a revision, what of it is judged again.
                rule_id         uuid,
                revision        integer,
                earliest        timestamptz
            );
            CREATE INDEX ix_alert_work_building ON alert_work (building_id, id);
            """);

        // Evaluation goes building by building, and no two replicas work on one at a time; rules stand still meanwhile.
        migrationBuilder.Sql("""
            CREATE FUNCTION alert_building_lock(building uuid) RETURNS bigint
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(building::text, 7208) $$;

            CREATE FUNCTION alert_rules_lock(organization uuid) RETURNS bigint
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(organization::text, 7209) $$;

            -- Which sensors have a rule at all. Ingest asks when it loads its registry of sensors.
            CREATE FUNCTION alert_watches(organization uuid)
            RETURNS TABLE (rule_id uuid, sensor_id uuid, sensor_key integer, building_id uuid)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT r.id, s.id, s.key, s.building_id
            FROM alert_rules r
            JOIN sensors s ON s.organization_id = r.organization_id
             AND (r.sensor_id IS NULL OR r.sensor_id = s.id)
             AND (r.building_id IS NULL OR r.building_id = s.building_id)
             AND (r.quantity IS NULL OR r.quantity = s.quantity)
             AND (r.tag IS NULL OR r.tag = ANY (s.tags))
            WHERE r.enabled AND r.organization_id = organization $$;

            -- A sensor that comes under a rule, or out of one, by a change of its own has to be looked at.
            CREATE FUNCTION alert_sensor_changed() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO alert_work (organization_id, building_id, sensor_id)
                SELECT NEW.organization_id, NEW.building_id, NEW.id
                WHERE EXISTS (SELECT FROM alert_rules r WHERE r.organization_id = NEW.organization_id AND r.enabled);
                RETURN NULL;
            END $$;

            CREATE TRIGGER sensors_alert AFTER INSERT OR UPDATE OF building_id, quantity, tags ON sensors
            FOR EACH ROW EXECUTE FUNCTION alert_sensor_changed();

            -- What ingest knows of a sensor follows from these too, now that rules go by them.
            CREATE TRIGGER sensors_change_scope AFTER UPDATE OF quantity, tags ON sensors
            FOR EACH ROW EXECUTE FUNCTION sensor_registry_changed();
            """);
    }

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TRIGGER sensors_change_scope ON sensors;
        DROP TRIGGER sensors_alert ON sensors;
        DROP FUNCTION alert_sensor_changed();
        DROP FUNCTION alert_watches(uuid);
        DROP FUNCTION alert_rules_lock(uuid);
        DROP FUNCTION alert_building_lock(uuid);
        DROP TABLE alert_work, alert_checkpoints, alert_tracks, alert_history, alerts, alert_rules;
        """);
}
