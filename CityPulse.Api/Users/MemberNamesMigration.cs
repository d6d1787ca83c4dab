using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace CityPulse.Api.Users;

/// <summary>An organisation's own name for a member: what one organisation calls a person is not for another one to see or change.</summary>
[DbContext(typeof(CityDb))]
[Migration("20261128010100_MemberNames")]
internal sealed class MemberNamesMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.AddColumn<string>("display_name", "memberships", maxLength: 200, nullable: true);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.DropColumn("display_name", "memberships");
}
