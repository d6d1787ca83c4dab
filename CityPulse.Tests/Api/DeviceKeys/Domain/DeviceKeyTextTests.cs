using System.Text.RegularExpressions;
using CityPulse.Api.DeviceKeys.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.DeviceKeys.Domain;

public sealed class DeviceKeyTextTests
{
    [Fact]
    public void A_key_looks_as_scanners_look_for_it_and_is_never_made_twice()
    {
        var keys = Enumerable.Range(0, 200).Select(_ => DeviceKeyText.Make()).ToList();
        keys.ShouldAllBe(key => Regex.IsMatch(key, "^cpk_[0-9A-Za-z]{38}$"));
        keys.ShouldAllBe(key => DeviceKeyText.IsWellFormed(key));
        keys.Distinct().Count().ShouldBe(200);
        keys.ShouldAllBe(key => key.StartsWith(DeviceKeyText.Hint(key)));
    }

    [Fact]
    public void A_mistyped_character_is_noticed_wherever_it_is()
    {
        var key = DeviceKeyText.Make();
        for (var i = 0; i < key.Length; i++)
        {
            var other = key[i] == 'a' ? 'b' : 'a';
            DeviceKeyText.IsWellFormed(key[..i] + other + key[(i + 1)..]).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("cpk_")]
    [InlineData("cpk_00000000000000000000000000000000000000")]
    [InlineData("cpk_äöü00000000000000000000000000000000000")]
    public void What_is_no_key_is_not_well_formed(string text) => DeviceKeyText.IsWellFormed(text).ShouldBeFalse();

    /// <summary>Scanners elsewhere compute it too: it must not change.</summary>
    [Fact]
    public void The_check_is_the_published_one() =>
        DeviceKeyText.IsWellFormed("cpk_0123456789ABCDEFGHIJKLMNOPQRSTUV" + Check("cpk_0123456789ABCDEFGHIJKLMNOPQRSTUV")).ShouldBeTrue();

    private static string Check(string open)
    {
        const string alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        var rest = Convert.ToUInt64(
            Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(open)))[..16], 16);
        var check = "";
        for (var i = 0; i < 6; i++, rest /= 62)
        {
            check = alphabet[(int)(rest % 62)] + check;
        }

        return check;
    }
}
