using System.Text.Json;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Http;

/// <summary>One page of a list. <c>nextCursor</c> is null on the last one.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>Where a page begins and how long it is: <c>?limit=</c> and <c>?cursor=</c>, checked.</summary>
/// <typeparam name="TKey">The sort key of a list's rows; it must be unique.</typeparam>
internal sealed class PageStart<TKey>
    where TKey : class
{
    private readonly Cursors _cursors;
    private readonly CursorScope _scope;

    private PageStart(Cursors cursors, CursorScope scope, int limit, TKey? after)
    {
        _cursors = cursors;
        _scope = scope;
        Limit = limit;
        After = after;
    }

    public int Limit { get; }

    /// <summary>The key of the row before the page; null at the start.</summary>
    public TKey? After { get; }

    /// <summary>One row more than the page holds tells whether another page follows.</summary>
    public int Fetch => Limit + 1;

    /// <summary>Makes the page of up to <see cref="Fetch"/> rows.</summary>
    public Page<T> ToPage<T>(IReadOnlyList<T> rows, Func<T, TKey> keyOf)
    {
        if (rows.Count <= Limit)
        {
            return new(rows, null);
        }

        var items = rows.Take(Limit).ToArray();
        return new(items, _cursors.Seal(_scope, keyOf(items[^1])));
    }

    /// <returns>The page's start, or why there is none.</returns>
    public static (PageStart<TKey>? Start, ProblemHttpResult? Problem) From(Cursors cursors, CursorScope scope, int? limit, string? cursor)
    {
        if (limit is < Paging.MinLimit or > Paging.MaxLimit)
        {
            return (null, Problems.Validation("limit", $"limit must be from {Paging.MinLimit} to {Paging.MaxLimit}."));
        }

        TKey? after = null;
        if (cursor is not null && !cursors.TryOpen(scope, cursor, out after))
        {
            return (null, Problems.Validation("cursor", "cursor must be a nextCursor of this list, unaltered and with the same filters."));
        }

        return (new(cursors, scope, limit ?? Paging.DefaultLimit, after), null);
    }
}

internal static class Paging
{
    public const int MinLimit = 1;
    public const int MaxLimit = 500;
    public const int DefaultLimit = 50;
}

/// <summary>The key of lists in order of creation; ids are UUIDv7.</summary>
internal sealed record IdKey(Guid Id);

/// <summary>What a cursor belongs to: one organisation's list under one set of filters in one order.</summary>
internal sealed record CursorScope(Guid OrganizationId, string List, params object?[] Filters)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(new object[] { OrganizationId, List, Filters });
}
