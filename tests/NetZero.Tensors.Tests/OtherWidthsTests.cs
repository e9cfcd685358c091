using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;

namespace NetZero.Tensors.Tests;

/// <summary>Runs all other tests of this assembly again, in a child process without AVX-512 and in one without AVX2.</summary>
/// <remarks>The runtime decides when it starts which instructions it uses, so that a process of its own is the only way.</remarks>
public partial class OtherWidthsTests
{
    // The child runs for well under a minute on two free cores; the rest is for a loaded machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    [FactOn(Instructions.Avx512)]
    public Task AllTests_WithoutAvx512_Pass() => RunChild("DOTNET_EnableAVX512");

    [FactOn(Instructions.Avx2)]
    public Task AllTests_WithoutAvx2_Pass() => RunChild("DOTNET_EnableAVX2");

    private static async Task RunChild(string setting)
    {
        var start = new ProcessStartInfo(DotnetPath())
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            ArgumentList = { "test", typeof(OtherWidthsTests).Assembly.Location, "--filter", $"FullyQualifiedName!~{nameof(OtherWidthsTests)}" },
        };
        start.Environment[setting] = "0";
        start.Environment[VectorWidthTests.SettingVariable] = setting;
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        using var child = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        var output = Task.WhenAll(child.StandardOutput.ReadToEndAsync(), child.StandardError.ReadToEndAsync());
        try
        {
            child.StandardInput.Close();
            await child.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            child.Kill(entireProcessTree: true);
            Assert.Fail($"With {setting}=0 the tests did not end within {Limit}.");
        }

        var text = string.Join(Environment.NewLine, await output);
        var passed = PassedCount().Match(text);
        Assert.True(child.ExitCode == 0 && passed.Success && passed.Groups[1].Value != "0", $"With {setting}=0:{Environment.NewLine}{text}");
    }

    private static string DotnetPath() =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";

    [GeneratedRegex(@"Passed:\s+(\d+)")]
    private static partial Regex PassedCount();
}

/// <summary>What <see cref="OtherWidthsTests"/> asked for is what its child got.</summary>
public class VectorWidthTests
{
    /// <summary>Names, in a child, the setting that it was started with.</summary>
    public const string SettingVariable = "NETZERO_TESTS_WITHOUT";

    [FactInAChild]
    public void InstructionSets_InAChild_AreTurnedOff()
    {
        if (Environment.GetEnvironmentVariable(SettingVariable) == "DOTNET_EnableAVX512")
            Assert.False(Avx512F.IsSupported);
        else
            Assert.False(Avx2.IsSupported || Fma.IsSupported);
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class FactInAChildAttribute : FactAttribute
    {
        public FactInAChildAttribute()
        {
            if (Environment.GetEnvironmentVariable(SettingVariable) is null)
                Skip = $"For the child processes that {nameof(OtherWidthsTests)} starts.";
        }
    }
}
