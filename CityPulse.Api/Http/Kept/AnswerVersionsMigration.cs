using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Http.Kept;

/// <summary>
/// How often what an organisation's answers show has changed: written in the transaction of the change itself, so that whoever sees
/// the one sees the other.
/// </summary>
[DbContext(typeof(CityDb))]
[Migration("20261128020000_AnswerVersions")]
internal sealed class AnswerVersionsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        -- An organisation's version is the sum over its parts: changes at the same time mostly meet different rows and do not wait
        -- for each other.
        CREATE TABLE answer_versions (
            organization_id uuid     NOT NULL,
            part            smallint NOT NULL,
            version         bigint   NOT NULL,
            changed_by      xid8     NOT NULL,
            PRIMARY KEY (organization_id, part)
        ) WITH (fillfactor = 50);

        CREATE FUNCTION answers_changed(organization uuid) RETURNS void LANGUAGE sql AS $$
            INSERT INTO answer_versions AS v (organization_id, part, version, changed_by)
            VALUES (organization, pg_backend_pid() % 16, 1, pg_current_xact_id())
            ON CONFLICT (organization_id, part) DO UPDATE SET version = v.version + 1, changed_by = excluded.changed_by
            WHERE v.changed_by <> excluded.changed_by
        $$;

        CREATE FUNCTION answers_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM answers_changed(CASE WHEN TG_OP = 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END);
            RETURN NULL;
        END $$;

        -- For every versioned table (AnswerTriggers sees to that). Deferred to the commit, when a transaction holds all its other locks:
        -- so it can wait for nobody who waits for it.
        CREATE FUNCTION answers_change_with(changing regclass) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('CREATE CONSTRAINT TRIGGER answers_change AFTER INSERT OR UPDATE OR DELETE ON %s '
                'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION answers_changed()', changing);
        END $$;

        -- Readings carry no organisation and come by the million, but each batch that changes any tells so in its event.
        CREATE CONSTRAINT TRIGGER answers_change AFTER INSERT ON outbox
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION answers_changed();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP FUNCTION answers_change_with(regclass);
        DROP FUNCTION answers_changed() CASCADE;
        DROP FUNCTION answers_changed(uuid);
        DROP TABLE answer_versions;
        """);
}
