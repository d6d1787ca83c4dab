using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Energy.Terms;

/// <summary>Tariffs, emission factors, and how buildings refer to them.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128050000_EnergyTerms")]
internal sealed class EnergyTermsMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        CREATE TABLE tariffs (
            id              uuid                   NOT NULL CONSTRAINT pk_tariffs PRIMARY KEY,
            organization_id uuid                   NOT NULL CONSTRAINT fk_tariffs_organizations_organization_id REFERENCES organizations (id) ON DELETE CASCADE,
            name            character varying(200) NOT NULL,
            currency        character varying(3)   NOT NULL,
            carrier         character varying(20),
            terms           jsonb                  NOT NULL,
            created_at      timestamptz            NOT NULL,
            updated_at      timestamptz            NOT NULL,
            version         integer                NOT NULL,
            CONSTRAINT ak_tariffs_organization_id_id UNIQUE (organization_id, id)
        );

        CREATE TABLE emission_factors (
            id              uuid                   NOT NULL CONSTRAINT pk_emission_factors PRIMARY KEY,
            organization_id uuid                   NOT NULL CONSTRAINT fk_emission_factors_organizations_organization_id REFERENCES organizations (id) ON DELETE CASCADE,
            region          character varying(100) NOT NULL,
            year            integer                NOT NULL,
            carrier         character varying(20)  NOT NULL,
            method          character varying(20)  NOT NULL,
            source          character varying(200) NOT NULL,
            kg_per_kwh      double precision       NOT NULL,
            created_at      timestamptz            NOT NULL,
            updated_at      timestamptz            NOT NULL,
            version         integer                NOT NULL
        );
        CREATE UNIQUE INDEX ix_emission_factors_region_year_carrier_method ON emission_factors (organization_id, region, year, carrier, method);

        ALTER TABLE buildings ADD COLUMN emission_region character varying(100);
        CREATE INDEX ix_buildings_organization_id_tariff_id ON buildings (organization_id, tariff_id);
        ALTER TABLE buildings ADD CONSTRAINT fk_buildings_tariffs_organization_id_tariff_id
            FOREIGN KEY (organization_id, tariff_id) REFERENCES tariffs (organization_id, id) ON DELETE RESTRICT;
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        ALTER TABLE buildings DROP CONSTRAINT fk_buildings_tariffs_organization_id_tariff_id;
        DROP INDEX ix_buildings_organization_id_tariff_id;
        ALTER TABLE buildings DROP COLUMN emission_region;
        DROP TABLE emission_factors;
        DROP TABLE tariffs;
        """);
}
