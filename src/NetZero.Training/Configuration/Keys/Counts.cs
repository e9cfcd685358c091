namespace NetZero.Training.Keys;

/// <summary>Keys whose value counts something.</summary>
internal static class Counts
{
    /// <summary>A key whose value is a whole number from 1.</summary>
    public static ValueKey<T, int> Size<T>(string name, Func<T, int> get, Func<T, int, T> set, string description) =>
        new(name, new WholeNumber<int>(1), get, set, description);
}
