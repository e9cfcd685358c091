namespace NetZero.Training.Keys;

/// <summary>Keys whose value counts something.</summary>
internal static class Counts
{
    /// <summary>A key whose value is a whole number from 1.</summary>
    /// <param name="name">The key.</param>
    /// <param name="get">Its value in a record.</param>
    /// <param name="set">The record with a value.</param>
    /// <param name="description">What it counts.</param>
    /// <param name="most">The largest value, where more can only be a slip.</param>
    public static ValueKey<T, int> Size<T>(string name, Func<T, int> get, Func<T, int, T> set, string description, int? most = null) =>
        new(name, new WholeNumber<int>(1, most), get, set, description);
}
