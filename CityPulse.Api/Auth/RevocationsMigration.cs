using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Auth;

/// <summary>
/// What was ended before its time. Filled by triggers, so that no way of ending a session can forget to tell: an update, a delete, or
/// the delete of the user or organisation that it belongs to. Ids only, and of no organisation: it is read across all of them.
/// </summary>
[DbContext(typeof(CityDb))]
[Migration("20261128010000_Revocations")]
internal sealed class RevocationsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE revocations (
            id       uuid PRIMARY KEY,
            xact     bigint      NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
            noted_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX revocations_xact ON revocations (xact);

        -- As its owner: whoever may end a session need not be able to read or write this list.
        CREATE FUNCTION note_revocation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        BEGIN
            INSERT INTO revocations (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$;

        CREATE TRIGGER token_families_end AFTER UPDATE OF revoked_at ON token_families
        FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION note_revocation();

        CREATE TRIGGER token_families_go AFTER DELETE ON token_families
        FOR EACH ROW WHEN (OLD.revoked_at IS NULL) EXECUTE FUNCTION note_revocation();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP TRIGGER token_families_go ON token_families;
        DROP TRIGGER token_families_end ON token_families;
        DROP FUNCTION note_revocation();
        DROP TABLE revocations;
        """);
}
