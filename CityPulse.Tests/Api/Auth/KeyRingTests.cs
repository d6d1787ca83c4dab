using System.Net;
using System.Security.Cryptography;
using System.Text;
using CityPulse.Api.Auth;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class KeyRingTests(TestStores stores)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replicas_that_start_at_once_agree_on_one_key()
    {
        var database = await stores.CreateDatabaseAsync();
        var hosts = await Task.WhenAll(ApiHost.StartAsync(stores, database: database), ApiHost.StartAsync(stores, database: database));
        using var client = hosts[0].CreateClient();
        var city = await City.RegisterAsync(client);
        using var other = hosts[1].CreateClient();
        other.DefaultRequestHeaders.Authorization = new("Bearer", city.AccessToken);
        using var me = await other.GetAsync("/api/v1/auth/me", Cancel);
        await me.ReadAsync(HttpStatusCode.OK);
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_key_that_another_replica_made_is_found_when_a_token_names_it()
    {
        await using var auth = new AuthFixture(stores);
        await auth.InitializeAsync();
        var ring = auth.Host.Services.GetRequiredService<KeyRing>();
        var before = await ring.GetAsync(refresh: false, Cancel);
        (await ring.GetAsync(refresh: true, Cancel)).ShouldBeSameAs(before);

        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using (var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString))
        await using (var insert = source.CreateCommand("insert into signing_keys (id, public_key, private_key, created_at, signs_from) values ('made-elsewhere', $1, $2, $3, $3)"))
        {
            insert.Parameters.AddWithValue(pair.ExportSubjectPublicKeyInfo());
            insert.Parameters.AddWithValue(auth.Host.Services.GetRequiredService<KeyCipher>().Encrypt(pair.ExportPkcs8PrivateKey(), "made-elsewhere"));
            insert.Parameters.AddWithValue(auth.Time.GetUtcNow().AddSeconds(1));
            await insert.ExecuteNonQueryAsync(Cancel);
        }

        (await ring.GetAsync(refresh: true, Cancel)).Count.ShouldBe(1, "made-up key ids must not flood the database");
        auth.Time.Advance(TimeSpan.FromSeconds(5));
        (await ring.GetAsync(refresh: false, Cancel)).Count.ShouldBe(1);
        var after = await ring.GetAsync(refresh: true, Cancel);
        after.Count.ShouldBe(2);
        (await ring.GetSigningAsync(Cancel)).Key.KeyId.ShouldBe("made-elsewhere");

        auth.Time.Advance(TimeSpan.FromSeconds(5));
        (await ring.GetAsync(refresh: true, Cancel)).ShouldBeSameAs(after);
        auth.Host.Services.GetRequiredService<IAccessTokenKeys>().ShouldBeSameAs(ring);
    }

    [Fact]
    public async Task Private_keys_are_stored_encrypted()
    {
        await using var auth = new AuthFixture(stores);
        await auth.InitializeAsync();
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var read = source.CreateCommand("select private_key from signing_keys");
        var stored = (byte[])(await read.ExecuteScalarAsync(Cancel))!;
        using var key = ECDsa.Create();
        Should.Throw<CryptographicException>(() => key.ImportPkcs8PrivateKey(stored, out _));
    }

    [Fact]
    public void What_was_encrypted_opens_with_the_same_key_and_name_only()
    {
        var secret = Encoding.UTF8.GetBytes("a private key");
        var cipher = Cipher(1);
        var encrypted = cipher.Encrypt(secret, "a");
        cipher.Decrypt(encrypted, "a").ShouldBe(secret);
        cipher.Encrypt(secret, "a").ShouldNotBe(encrypted);
        Should.Throw<CryptographicException>(() => cipher.Decrypt(encrypted, "b"));
        Should.Throw<CryptographicException>(() => Cipher(2).Decrypt(encrypted, "a"));
        Should.Throw<CryptographicException>(() => cipher.Decrypt(encrypted.AsSpan(0, 20), "a"));
        encrypted[^1] ^= 1;
        Should.Throw<CryptographicException>(() => cipher.Decrypt(encrypted, "a"));
    }

    private static KeyCipher Cipher(byte fill) =>
        new(Options.Create(new AuthOptions { KeyEncryptionKey = Convert.ToBase64String(Enumerable.Repeat(fill, 32).ToArray()) }));
}
