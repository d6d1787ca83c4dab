using CityPulse.Api.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;

namespace CityPulse.Api.Auth;

/// <summary>Identity's store on <see cref="CityDb"/>. It leaves saving to the caller, so that a user and the membership are one transaction.</summary>
internal sealed class UserStore : UserOnlyStore<User, CityDb, Guid>
{
    public UserStore(CityDb db, IdentityErrorDescriber describer) : base(db, describer) => AutoSaveChanges = false;

    public override Task<User?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken = default) =>
        FindByEmailAsync(normalizedUserName, cancellationToken);
}
