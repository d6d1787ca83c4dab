using System.Data.Common;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace CityPulse.Api.Data;

/// <summary>
/// Tells the database for which organisation a context works, in front of the first command of every opened connection, so that it
/// takes no round trip of its own. A setting made in a transaction goes when that is rolled back, and a failed command may have taken it
/// along: in doubt it is said again. A connection that goes back to its pool forgets it.
/// </summary>
internal sealed class TenantInterceptor : DbCommandInterceptor, IDbConnectionInterceptor, IDbTransactionInterceptor
{
    public override InterceptionResult<DbDataReader> ReaderExecuting(DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result)
    {
        TellNow(command, eventData);
        return result;
    }

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
    {
        await TellAsync(command, eventData, cancellationToken);
        return result;
    }

    public override InterceptionResult<int> NonQueryExecuting(DbCommand command, CommandEventData eventData, InterceptionResult<int> result)
    {
        TellNow(command, eventData);
        return result;
    }

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        await TellAsync(command, eventData, cancellationToken);
        return result;
    }

    public override InterceptionResult<object> ScalarExecuting(DbCommand command, CommandEventData eventData, InterceptionResult<object> result)
    {
        TellNow(command, eventData);
        return result;
    }

    public override async ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<object> result, CancellationToken cancellationToken = default)
    {
        await TellAsync(command, eventData, cancellationToken);
        return result;
    }

    public override void CommandFailed(DbCommand command, CommandErrorEventData eventData) => Forget(eventData.Context);

    public override Task CommandFailedAsync(DbCommand command, CommandErrorEventData eventData, CancellationToken cancellationToken = default)
    {
        Forget(eventData.Context);
        return Task.CompletedTask;
    }

    public void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) => Forget(eventData.Context);

    public Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        Forget(eventData.Context);
        return Task.CompletedTask;
    }

    public DbTransaction TransactionStarted(DbConnection connection, TransactionEndEventData eventData, DbTransaction result)
    {
        Forget(eventData.Context);
        return result;
    }

    public ValueTask<DbTransaction> TransactionStartedAsync(
        DbConnection connection, TransactionEndEventData eventData, DbTransaction result, CancellationToken cancellationToken = default)
    {
        Forget(eventData.Context);
        return ValueTask.FromResult(result);
    }

    public void RolledBackToSavepoint(DbTransaction transaction, TransactionEventData eventData) => Forget(eventData.Context);

    public Task RolledBackToSavepointAsync(DbTransaction transaction, TransactionEventData eventData, CancellationToken cancellationToken = default)
    {
        Forget(eventData.Context);
        return Task.CompletedTask;
    }

    private static void TellNow(DbCommand command, CommandEventData eventData)
    {
        using var alone = Tell(command, eventData);
        alone?.ExecuteNonQuery();
    }

    private static async ValueTask TellAsync(DbCommand command, CommandEventData eventData, CancellationToken cancellationToken)
    {
        if (Tell(command, eventData) is { } alone)
        {
            await using (alone)
            {
                await alone.ExecuteNonQueryAsync(cancellationToken);
            }
        }
    }

    /// <summary>Puts the setting in front of the command, or returns it as a command that must go first.</summary>
    private static DbCommand? Tell(DbCommand command, CommandEventData eventData)
    {
        if (eventData.Context is not CityDb { Tenant: { CrossesOrganizations: false } tenant } db || db.Told.Holds(command.Transaction is not null))
        {
            return null;
        }

        if (tenant.OrganizationId is null && eventData.CommandSource is (CommandSource.Migrations or CommandSource.Unknown))
        {
            // The provider itself asks whether the database is there.
            return null;
        }

        var setting = TenantSetting.Statement(tenant.OrganizationId ?? throw new InvalidOperationException(
            "The database context works for no organisation: set TenantContext, or make a scope for all of them on purpose (CreateCrossTenantScope)."));
        db.Told.Note(command.Transaction is not null);
        if (eventData.CommandSource != CommandSource.SaveChanges)
        {
            command.CommandText = $"{setting};\n{command.CommandText}";
            return null;
        }

        // The provider counts a save's statements to find the row that changed under it: another one among them would mislead it.
        var alone = command.Connection!.CreateCommand();
        (alone.CommandText, alone.Transaction) = (setting, command.Transaction);
        return alone;
    }

    private static void Forget(DbContext? context)
    {
        if (context is CityDb db)
        {
            db.Told.Forget();
        }
    }
}

/// <summary>Whether the session of a context's connection has been told its organisation.</summary>
internal sealed class TenantTold
{
    private bool _said;
    private bool _inTransaction;

    /// <summary>What was said inside a transaction counts inside it; whether that was committed is not asked.</summary>
    public bool Holds(bool inTransaction) => _said && _inTransaction == inTransaction;

    public void Note(bool inTransaction) => (_said, _inTransaction) = (true, inTransaction);

    public void Forget() => _said = false;
}
