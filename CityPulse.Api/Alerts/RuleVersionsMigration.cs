using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Alerts;

/// <summary>How often an organisation's rules have changed, so that replicas keep them in memory and still judge by none of before.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128080200_AlertRuleVersions")]
internal sealed class RuleVersionsMigration : Migration
{
    // Not a member of the organisation's: its going deletes its rules, which are counted once more.
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE alert_rule_sets (
            organization_id uuid   PRIMARY KEY,
            version         bigint NOT NULL
        );

        CREATE FUNCTION alert_rules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO alert_rule_sets AS s (organization_id, version)
            VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END, 1)
            ON CONFLICT (organization_id) DO UPDATE SET version = s.version + 1;
            RETURN NULL;
        END $$;

        CREATE TRIGGER alert_rules_change AFTER INSERT OR UPDATE OR DELETE ON alert_rules
        FOR EACH ROW EXECUTE FUNCTION alert_rules_changed();
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        DROP FUNCTION alert_rules_changed() CASCADE;
        DROP TABLE alert_rule_sets;
        """);
}
