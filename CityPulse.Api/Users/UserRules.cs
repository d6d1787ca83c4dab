using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Http;

namespace CityPulse.Api.Users;

internal static class UserRules
{
    public static Validator Check(UserRequest request)
    {
        var check = new Validator();
        Refuse(check, "email", AccountText.EmailRefusal(request.Email));
        Refuse(check, "displayName", AccountText.NameRefusal(request.DisplayName, "display name"));
        check.Check(request.Role is not null, "role", "role is required: User, Manager or Admin.");
        // Of people with an account too: the answer must not tell whether there is one.
        Refuse(check, "password", string.IsNullOrEmpty(request.Password)
            ? "The password is missing."
            : PasswordPolicy.Refusal(PasswordPolicy.Prepare(request.Password), request.Email ?? "", request.DisplayName ?? ""));
        return check;
    }

    public static Validator Check(UserChangeRequest request)
    {
        var check = new Validator();
        check.Check(request.Role is not null, "role", "role must be User, Manager or Admin.");
        check.Check(request.Disabled is not null, "disabled", "disabled must be true or false.");
        Refuse(check, "displayName", AccountText.NameRefusal(request.DisplayName, "display name"));
        return check;
    }

    private static void Refuse(Validator check, string path, string? refusal)
    {
        if (refusal is not null)
        {
            check.Fail(path, refusal);
        }
    }
}
