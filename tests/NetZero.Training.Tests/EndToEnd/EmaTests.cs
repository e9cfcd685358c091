using NetZero.Training.Tests.Checkpoints;

namespace NetZero.Training.Tests.EndToEnd;

/// <summary>Runs that average their weights: training itself does not change, and what is evaluated and saved is what was asked for.</summary>
public sealed class EmaTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointRun _run;

    public EmaTests() => _run = new CheckpointRun(_folder);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    public async Task Average_IsEvaluatedAndSavedAsAsked_AndTrainingHasTheSameBits(int ranks, int stage)
    {
        string[] settings = [$"ranks={ranks}", $"zero_optimization.stage={stage}"];
        await _run.TrainAsync("plain", null, 0, settings);
        foreach (var (evaluate, save) in new[] { (true, true), (true, false), (false, true) })
        {
            var name = $"{evaluate}-{save}";
            await _run.TrainAsync(name, null, 0, [.. settings, $"ema={{\"decay\": 0.9, \"evaluate\": {Json(evaluate)}, \"save\": {Json(save)}}}"]);
            Assert.Equal(_run.At("plain").Losses, _run.At(name).Losses);
            Assert.Equal(save, !_run.At("plain").ModelBytes.AsSpan().SequenceEqual(_run.At(name).ModelBytes));
            Assert.Equal(evaluate, !ValidationLosses("plain").SequenceEqual(ValidationLosses(name)));
        }

        Assert.Equal(ValidationLosses("True-True"), ValidationLosses("True-False"));
        Assert.Equal(_run.At("True-True").ModelBytes, _run.At("False-True").ModelBytes);
    }

    private static string Json(bool value) => value ? "true" : "false";

    private double[] ValidationLosses(string name) =>
        [.. _run.At(name).Metrics.Where(m => m.TryGetProperty("validation_loss", out _)).Select(m => m.GetProperty("validation_loss").GetDouble())];
}
