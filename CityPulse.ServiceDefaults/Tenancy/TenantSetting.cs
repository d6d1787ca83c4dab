using Npgsql;

namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>
/// How a session tells Postgres which organisation it works for: the policies of <see cref="TenantWall"/> compare every row with this
/// setting. Unset, the role of requests sees nothing.
/// </summary>
public static class TenantSetting
{
    /// <summary>The organisation of the session, as an expression; null when none is set, also after the setting was reset.</summary>
    internal const string Organization = "(SELECT nullif(current_setting('citypulse.organization', true), '')::uuid)";

    /// <summary>For the session, until it goes back to its pool. Sent in front of a command it takes no round trip of its own.</summary>
    public static string Statement(Guid organizationId) => $"SET citypulse.organization = '{organizationId:D}'";

    /// <summary>The statement for a batch's first place.</summary>
    public static NpgsqlBatchCommand Command(Guid organizationId) => new(Statement(organizationId));

    /// <summary>One command under the organisation's eyes, in one round trip. Its only result is the command's.</summary>
    public static NpgsqlBatch CreateBatch(this NpgsqlDataSource source, Guid organizationId, NpgsqlBatchCommand command)
    {
        var batch = source.CreateBatch();
        batch.BatchCommands.Add(Command(organizationId));
        batch.BatchCommands.Add(command);
        return batch;
    }
}
