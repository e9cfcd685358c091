using System.Globalization;

namespace NetZero.Planning;

/// <summary>An axis of bytes from 0 to a little above the most that is shown, with round numbers of one unit.</summary>
/// <param name="Unit">The unit's name.</param>
/// <param name="UnitBytes">Its bytes.</param>
/// <param name="Top">Bytes at the upper end.</param>
internal sealed record ByteAxis(string Unit, double UnitBytes, double Top)
{
    // Room for the label of the peak.
    private const double Headroom = 1.08;

    public static ByteAxis For(long most)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        while (unit < units.Length - 1 && most >= 1L << (10 * (unit + 1)))
            unit++;
        return new ByteAxis(units[unit], 1L << (10 * unit), Math.Max(1, most) * Headroom);
    }

    public IEnumerable<double> Ticks() => Steps(Top / UnitBytes, 6).Select(value => value * UnitBytes);

    public string Label(double bytes) => (bytes / UnitBytes).ToString("0.###", CultureInfo.InvariantCulture);

    /// <summary>Round numbers from 0 to <paramref name="most"/>: multiples of 1, 2 or 5 times a power of ten, at most <paramref name="count"/> steps.</summary>
    public static IEnumerable<double> Steps(double most, int count) => Steps(0, most, count);

    /// <summary>The same from <paramref name="least"/>, which is at least 0.</summary>
    public static IEnumerable<double> Steps(double least, double most, int count)
    {
        var length = most - least;
        var power = Math.Pow(10, Math.Floor(Math.Log10(length / count)));
        var step = power * ((double[])[1, 2, 5, 10]).First(factor => length / (power * factor) <= count);
        for (var i = Math.Ceiling(least / step); i * step <= most; i++)
            yield return i * step;
    }
}
