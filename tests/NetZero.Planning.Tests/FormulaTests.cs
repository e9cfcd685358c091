namespace NetZero.Planning.Tests;

public class FormulaTests
{
    // ait x bw equal to the peak leaves half of it; three times the peak leaves three quarters.
    [Fact]
    public void OffloadEfficiency_KnownRatios_GiveTheirShares()
    {
        Assert.Equal(0.5, OffloadEfficiency.Of(1000, 70e9, 70e12));
        Assert.Equal(0.75, OffloadEfficiency.Of(3000, 70e9, 70e12));
        Assert.Throws<ArgumentOutOfRangeException>(() => OffloadEfficiency.Of(0, 1, 1));
    }

    // ZeRO-Infinity, section 4.2: at 70 TFLOP/s per GPU, sequence 1,024 and a batch of 1, parameters and gradients at 70 GB/s are above
    // 50 %: 1,024 x 70e9 / (1,024 x 70e9 + 70e12) = 1,024 / 2,024.
    [Fact]
    public void OffloadEfficiency_ParametersAt70GigabytesPerSecond_IsAboveOneHalf() =>
        Assert.Equal(1024.0 / 2024, OffloadEfficiency.Of(OffloadEfficiency.ParameterIntensity(1024, 1), 70e9, 70e12), 15);

    [Fact]
    public void Intensities_OneExample_FollowTheFormulas()
    {
        Assert.Equal(2048, OffloadEfficiency.ParameterIntensity(1024, 2));
        Assert.Equal(512, OffloadEfficiency.OptimizerIntensity(1024, 2));
        Assert.Equal(24 * 8192 * 2, OffloadEfficiency.ActivationCheckpointIntensity(8192, 2));
        Assert.Equal(8.0 * 2 * 1024 * 1e9, OffloadEfficiency.StepFlopWithRecomputation(1_000_000_000, 1024, 2));
    }

    // GPT-2 small without position embeddings: 768 x 50,257 + 12 x (12 x 768² + 13 x 768) + 2 x 768 = 123,653,376 parameters; at 1,024
    // tokens 6 x 123,653,376 + 12 x 12 x 768 x 1,024 = 741,920,256 + 113,246,208.
    [Fact]
    public void TrainingFlops_Gpt2Small_IsTheSumByHand() => Assert.Equal(855_166_464, TrainingFlops.PerToken(123_653_376, 12, 768, 1024));
}
