using System.Numerics;

namespace CityPulse.Tests.Support;

/// <summary>Arithmetic without rounding, to judge arithmetic by.</summary>
internal static class Exactly
{
    /// <summary>2^-1074, the smallest number that there is, counts as one.</summary>
    private const int Smallest = 1074;

    /// <summary>The exact sum of finite numbers, rounded once to the nearest.</summary>
    public static double Sum(IEnumerable<double> numbers)
    {
        var sum = numbers.Aggregate(BigInteger.Zero, (total, number) => total + InSmallest(number));
        return Round(sum);
    }

    private static BigInteger InSmallest(double number)
    {
        var bits = BitConverter.DoubleToInt64Bits(number);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = (bits & 0xF_FFFF_FFFF_FFFF) | (exponent == 0 ? 0 : 1L << 52);
        var whole = new BigInteger(mantissa) << Math.Max(0, exponent - 1);
        return bits < 0 ? -whole : whole;
    }

    private static double Round(BigInteger sum)
    {
        var whole = BigInteger.Abs(sum);
        var excess = Math.Max(0, (int)whole.GetBitLength() - 53);
        var kept = whole >> excess;
        if (excess > 0)
        {
            // To the nearest; between two, to the even one.
            var half = BigInteger.One << (excess - 1);
            var rest = whole - (kept << excess);
            kept += rest > half || (rest == half && !kept.IsEven) ? 1 : 0;
        }

        return Math.ScaleB(Math.ScaleB((double)kept, -Smallest / 2), excess - (Smallest / 2)) * (sum.Sign < 0 ? -1 : 1);
    }
}
