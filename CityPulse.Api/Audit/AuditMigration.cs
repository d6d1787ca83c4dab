using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Audit;

/// <summary>
/// The audit log. The database itself refuses to change it: no update, no truncation, and no deletion of what is younger than 90
/// days, whoever asks. No foreign key either: what was done stays when the person or the organisation is gone.
/// </summary>
[DbContext(typeof(CityDb))]
[Migration("20261128010400_Audit")]
internal sealed class AuditMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE audit_log (
            id              uuid        NOT NULL CONSTRAINT pk_audit_log PRIMARY KEY,
            organization_id uuid        NOT NULL,
            at              timestamptz NOT NULL,
            user_id         uuid,
            device_key_id   uuid,
            action          text        NOT NULL,
            resource        text        NOT NULL,
            outcome         text        NOT NULL,
            status          integer     NOT NULL,
            frontend        text,
            client_ip       text,
            request_id      text,
            detail          text
        );
        CREATE INDEX ix_audit_log_organization_id_at_id ON audit_log (organization_id, at DESC, id DESC);
        CREATE INDEX audit_log_at ON audit_log USING brin (at);

        CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND OLD.at < now() - interval '90 days' THEN
                RETURN OLD;
            END IF;

            RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'insufficient_privilege';
        END $$;

        CREATE TRIGGER audit_log_rows_stay BEFORE UPDATE OR DELETE ON audit_log
        FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
        CREATE TRIGGER audit_log_stays BEFORE TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TABLE audit_log;
        DROP FUNCTION audit_log_is_append_only();
        """);
}
