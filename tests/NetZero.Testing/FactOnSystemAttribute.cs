using Xunit;

namespace NetZero.Testing;

/// <summary>A test that some operating systems cannot run, and that is reported as skipped there, with the reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FactOnSystemAttribute : FactAttribute
{
    /// <summary>Marks a test.</summary>
    /// <param name="systems">Where it runs.</param>
    /// <param name="because">Why nowhere else.</param>
    public FactOnSystemAttribute(TestSystems systems, string because) => Skip = TestSystem.WhySkipped(systems, because);
}

/// <summary><see cref="FactOnSystemAttribute"/> for theories.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TheoryOnSystemAttribute : TheoryAttribute
{
    /// <summary>Marks a theory.</summary>
    /// <param name="systems">Where it runs.</param>
    /// <param name="because">Why nowhere else.</param>
    public TheoryOnSystemAttribute(TestSystems systems, string because) => Skip = TestSystem.WhySkipped(systems, because);
}

/// <summary>Operating systems that a test needs.</summary>
[Flags]
public enum TestSystems
{
    /// <summary>None; such a test is always skipped.</summary>
    None = 0,

    /// <summary>Linux.</summary>
    Linux = 1,

    /// <summary>macOS.</summary>
    MacOS = 2,

    /// <summary>Linux and macOS.</summary>
    Unix = Linux | MacOS,
}

internal static class TestSystem
{
    /// <summary>What the runner prints beside a skipped test; null where the test runs.</summary>
    public static string? WhySkipped(TestSystems systems, string because)
    {
        var here = OperatingSystem.IsLinux() ? TestSystems.Linux : OperatingSystem.IsMacOS() ? TestSystems.MacOS : TestSystems.None;
        return (systems & here) != 0 ? null : $"Runs on {systems} only: {because}.";
    }
}
