using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CityPulse.Api.Auth;
using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.OpenApi;
using Npgsql;

namespace CityPulse.Api.Http;

/// <summary>
/// <c>Idempotency-Key</c>: a creating <c>POST</c> that is sent again is answered again, not done again. The key's row is
/// inserted first, in the transaction of the effect: a second request with the same key waits on it in the
/// database, whichever replica it reached, and then replays the first one's answer, or goes on if the first one failed.
/// </summary>
internal static class Idempotency
{
    public const string Header = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public const int MaxKeyLength = 255;
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <summary>Makes a creating endpoint accept <c>Idempotency-Key</c>. Its handler must write through <see cref="CityDb"/> or its connection.</summary>
    public static RouteHandlerBuilder AcceptIdempotencyKey(this RouteHandlerBuilder builder) => builder
        .AddEndpointFilter(InvokeAsync)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
        .AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = Header,
                In = ParameterLocation.Header,
                Description = "Makes the call safe to repeat: within 24 h the same key and body give the first answer again.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = MaxKeyLength },
            });
            return Task.CompletedTask;
        });

    private static async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var header = http.Request.Headers[Header];
        if (header.Count == 0)
        {
            return await next(context);
        }

        var key = header.ToString();
        if (key.Length is 0 or > MaxKeyLength || key.Any(char.IsControl))
        {
            return Problems.Of(StatusCodes.Status400BadRequest, $"{Header} must have 1 to {MaxKeyLength} characters.");
        }

        var db = http.RequestServices.GetRequiredService<CityDb>();
        var cipher = http.RequestServices.GetRequiredService<KeyCipher>();
        var caller = http.User.GetCaller();
        var request = new Ask(caller.OrganizationId, caller.UserId, RouteOf(http), key, HashOf(context, cipher),
            Now: http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow());
        return await db.Database.CreateExecutionStrategy().ExecuteAsync(
            async token =>
            {
                db.ChangeTracker.Clear();
                await using var transaction = await db.Database.BeginTransactionAsync(token);
                try
                {
                    if (!await ClaimAsync(db, request, token))
                    {
                        return await ReplayAsync(db, cipher, request, token);
                    }
                }
                catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
                {
                    return Problems.Conflict($"A request with this {Header} is still running.");
                }

                return await AnswerAsync(context, next, db, cipher, transaction, request, token);
            },
            http.RequestAborted);
    }

    /// <summary>Takes the key, waiting for another request that holds it. A key older than a day is as good as new.</summary>
    private static async Task<bool> ClaimAsync(CityDb db, Ask ask, CancellationToken cancellationToken)
    {
        await db.Database.ExecuteSqlRawAsync("SET LOCAL lock_timeout = '10s'", cancellationToken);
        var expired = ask.Now - Kept;
        var claimed = await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO idempotent_answers AS a (organization_id, user_id, route, key, request_hash, created_at, status)
            VALUES ({ask.OrganizationId}, {ask.UserId}, {ask.Route}, {ask.Key}, {ask.Hash}, {ask.Now}, 0)
            ON CONFLICT (organization_id, user_id, route, key) DO UPDATE
            SET request_hash = excluded.request_hash, created_at = excluded.created_at, status = 0
            WHERE a.created_at <= {expired}
            """, cancellationToken);
        await db.Database.ExecuteSqlRawAsync("SET LOCAL lock_timeout = DEFAULT", cancellationToken);
        return claimed == 1;
    }

    private static async Task<object?> ReplayAsync(CityDb db, KeyCipher cipher, Ask ask, CancellationToken cancellationToken)
    {
        var answer = await db.Set<IdempotentAnswer>().AsNoTracking().SingleAsync(
            a => a.OrganizationId == ask.OrganizationId && a.UserId == ask.UserId && a.Route == ask.Route && a.Key == ask.Key, cancellationToken);
        return answer.RequestHash.AsSpan().SequenceEqual(ask.Hash)
            ? new ReplayedAnswer(answer, answer.Body is { } body ? cipher.Decrypt(body, ask.Seal) : [])
            : Problems.Of(StatusCodes.Status422UnprocessableEntity, $"This {Header} was used for another request.");
    }

    /// <summary>Runs the handler, remembers a good answer and sends it only once both are committed.</summary>
    private static async Task<object?> AnswerAsync(
        EndpointFilterInvocationContext context, EndpointFilterDelegate next, CityDb db, KeyCipher cipher, IDbContextTransaction transaction, Ask ask,
        CancellationToken token)
    {
        var result = await next(context);
        if (Statuses.IsRefusal(result) || result is not IResult answer)
        {
            // Nothing was done, so there is nothing to remember: the key is free for the mended request.
            return result;
        }

        var (response, body) = (context.HttpContext.Response, context.HttpContext.Response.Body);
        using var buffer = new MemoryStream();
        response.Body = buffer;
        try
        {
            await answer.ExecuteAsync(context.HttpContext);
        }
        finally
        {
            response.Body = body;
        }

        // Some answers hold what is shown once and stored nowhere, such as a device key.
        var kept = cipher.Encrypt(buffer.ToArray(), ask.Seal);
        var (location, etag) = (response.Headers.Location.ToString(), response.Headers.ETag.ToString());
        await db.Database.ExecuteSqlAsync(
            $"""
            UPDATE idempotent_answers
            SET status = {response.StatusCode}, location = {location}, etag = {etag}, content_type = {response.ContentType}, body = {kept}
            WHERE organization_id = {ask.OrganizationId} AND user_id = {ask.UserId} AND route = {ask.Route} AND key = {ask.Key}
            """, token);
        await transaction.CommitAsync(token);
        return new BufferedAnswer(buffer.ToArray());
    }

    private static string RouteOf(HttpContext http) =>
        $"{http.Request.Method} {(http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText}";

    /// <summary>
    /// Path, query and the body as it was understood: spaces and the order of members do not make another request. Keyed, as a body may
    /// hold a password, which a reader of the database could otherwise guess at full speed.
    /// </summary>
    private static byte[] HashOf(EndpointFilterInvocationContext context, KeyCipher cipher)
    {
        var http = context.HttpContext;
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, cipher.RequestKey);
        hash.AppendData(Encoding.UTF8.GetBytes($"{http.Request.Path}{http.Request.QueryString}\n"));
        if (http.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType is { } type
            && context.Arguments.FirstOrDefault(type.IsInstanceOfType) is { } body)
        {
            hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(body, type, Json.Options(http)));
        }

        return hash.GetHashAndReset();
    }

    private sealed record Ask(Guid OrganizationId, Guid UserId, string Route, string Key, byte[] Hash, DateTimeOffset Now)
    {
        /// <summary>What a kept answer is bound to.</summary>
        public string Seal => $"{OrganizationId}/{UserId}/{Route}/{Key}";
    }

    /// <summary>Headers and status are set already; the bytes waited for the commit.</summary>
    private sealed class BufferedAnswer(byte[] body) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => httpContext.Response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
    }

    private sealed class ReplayedAnswer(IdempotentAnswer answer, byte[] body) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = answer.Status;
            response.Headers[ReplayedHeader] = "true";
            response.Headers.CacheControl = "private, no-cache";
            response.ContentType = answer.ContentType;
            if (!string.IsNullOrEmpty(answer.Location))
            {
                response.Headers.Location = answer.Location;
            }

            if (!string.IsNullOrEmpty(answer.ETag))
            {
                response.Headers.ETag = answer.ETag;
            }

            return response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
        }
    }
}
