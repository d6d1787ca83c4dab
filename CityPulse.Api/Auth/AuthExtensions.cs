using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Revocations;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Auth;

internal static class AuthExtensions
{
    public static WebApplicationBuilder AddAuth(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsCheck>();
        services.AddOptions<AuthOptions>().Bind(builder.Configuration.GetSection(AuthOptions.Section)).ValidateOnStart();

        services.AddSingleton<KeyCipher>();
        services.AddSingleton<KeyRing>();
        services.AddSingleton<IAccessTokenKeys>(provider => provider.GetRequiredService<KeyRing>());
        services.AddSingleton<IDatabaseSeed>(provider => provider.GetRequiredService<KeyRing>());
        services.AddSingleton<IRevocationSource, RevocationLog>();
        services.AddSingleton<RevocationNews>();
        services.AddSingleton<TokenIssuer>();
        services.AddSingleton<Sessions>();
        services.AddSingleton<SignIn>();
        services.AddHostedService<TokenCleanup>();
        services.AddHostedService<KeyRotation>();

        // OWASP's count for PBKDF2 with SHA-512; stored hashes with fewer are renewed at the next sign-in.
        services.Configure<PasswordHasherOptions>(options => options.IterationCount = 210_000);
        services.AddSingleton<IPasswordHasher<User>, PasswordHasher<User>>();
        services.AddSingleton<ILookupNormalizer, UpperInvariantLookupNormalizer>();
        services.AddIdentityCore<User>(options =>
            {
                // The address is checked by AccountText, the password by PasswordPolicy, before Identity sees them.
                options.User.RequireUniqueEmail = true;
                options.User.AllowedUserNameCharacters = "";
                options.Password = new PasswordOptions
                {
                    RequireDigit = false,
                    RequireLowercase = false,
                    RequireUppercase = false,
                    RequireNonAlphanumeric = false,
                    RequiredLength = Domain.PasswordPolicy.MinimumLength,
                };
            })
            .AddUserStore<UserStore>();
        services.AddScoped<Accounts>();
        if (builder.Environment.IsDevelopment())
        {
            services.AddScoped<IDatabaseSeed, DemoUsers>();
        }

        return builder;
    }
}
