using NetZero.Training;

namespace NetZero.Cli.Tests;

/// <summary>The verb without its trainer: what it takes from the command line, what it writes, how it ends.</summary>
public sealed class TrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringTerminal _terminal = new();
    private (RunConfiguration Configuration, TrainingOptions Options)? _asked;

    public void Dispose() => _folder.Dispose();

    private Task<int> RunAsync(params string[] arguments) => RunAsync(
        (configuration, options, _, _) =>
        {
            _asked = (configuration, options);
            return Task.FromResult(Reports.Summary);
        },
        arguments);

    private Task<int> RunAsync(RunTraining train, params string[] arguments) => new Tool(_terminal, Reports.Engines with { Train = train }).RunAsync(arguments);

    private Task<int> FailAsync(Exception failure) => RunAsync((_, _, _, _) => Task.FromException<RunSummary>(failure), "train", _folder.Configuration);

    [Fact]
    public async Task Train_TakesConfigurationAndOptions()
    {
        var code = await RunAsync(
            "train", _folder.Configuration, "--ranks", "2", "--set", "zero_optimization.stage=3", "--set", "steps=7", "--output", "elsewhere",
            "--trace", "--overwrite");

        Assert.Equal((0, ""), (code, _terminal.Errors));
        var (configuration, options) = _asked!.Value;
        Assert.Equal((2, 3, 7, "elsewhere"), (configuration.Ranks, configuration.Zero.Stage, configuration.Steps, configuration.OutputDirectory));
        Assert.Equal(new TrainingOptions { Trace = true, Overwrite = true, Stores = options.Stores }, options);
        Assert.NotNull(options.Stores);
    }

    [Fact]
    public async Task Options_AreOffByDefault()
    {
        await RunAsync("train", _folder.Configuration);

        Assert.Equal(new TrainingOptions { Stores = _asked!.Value.Options.Stores }, _asked.Value.Options);
        Assert.Equal(_folder.At("out"), _asked.Value.Configuration.OutputDirectory);
    }

    [Theory]
    [InlineData("auto", "--resume")]
    [InlineData("auto", "--resume", "auto")]
    [InlineData("runs/x/checkpoints/step-000100", "--resume", "runs/x/checkpoints/step-000100")]
    public async Task Resume_IsAutoOrAPath(string expected, params string[] given)
    {
        await RunAsync(["train", _folder.Configuration, .. given]);

        Assert.Equal(new TrainingOptions { Resume = expected, Stores = _asked!.Value.Options.Stores }, _asked.Value.Options);
    }

    [Fact]
    public async Task ResumeWithoutOutput_GoesOnInTheRunThatThePathLiesIn()
    {
        var run = Directory.CreateDirectory(_folder.At("earlier/checkpoints/step-000002")).Parent!.Parent!.FullName;
        File.WriteAllText(Path.Combine(run, "metrics.jsonl"), "");
        File.WriteAllText(Path.Combine(run, "config.json"), """{ "train_batch_size": 1, "zero_optimization": {} }""");
        var path = _folder.At("tiny.json");
        File.WriteAllText(path, """{ "data": { "train": "x" }, "train_batch_size": 1, "steps": 1 }""");
        foreach (var resume in (string[])[run, Path.Combine(run, "checkpoints"), Path.Combine(run, "checkpoints", "step-000002")])
        {
            await RunAsync("train", path, "--resume", resume);
            Assert.Equal(run, _asked!.Value.Configuration.OutputDirectory);
        }
    }

    [Fact]
    public async Task OptionsOfTheCommandLine_WinOverSet()
    {
        await RunAsync("train", _folder.Configuration, "--ranks", "2", "--set", "ranks=4");

        Assert.Equal(2, _asked!.Value.Configuration.Ranks);
    }

    [Fact]
    public async Task ConfigurationWithoutOutput_GetsAFolderNamedAfterIt()
    {
        var path = _folder.At("tiny.json");
        File.WriteAllText(path, """{ "data": { "train": "x" }, "train_batch_size": 1, "steps": 1 }""");
        await RunAsync("train", path);

        Assert.StartsWith(Path.Combine("runs", "tiny"), _asked!.Value.Configuration.OutputDirectory, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.n_layers=2", "unknown key 'model.n_layers'; the nearest known key is 'model.n_layer'")]
    [InlineData("model.n_head=3", "'model.n_embd' is 64, not divisible by 'model.n_head' 3; use 63 or 66")]
    [InlineData("steps=no", "'steps' is the text \"no\"; expected a whole number, at least 1")]
    public async Task MistakeInTheConfiguration_IsOneLineAndCode2(string setting, string problem)
    {
        var code = await RunAsync("train", _folder.Configuration, "--set", setting);

        Assert.Equal((2, $"error: {_folder.Configuration}: {problem}\n", ""), (code, _terminal.Errors, _terminal.Written));
        Assert.Null(_asked);
        Assert.Equal([_folder.Configuration], Directory.EnumerateFileSystemEntries(_folder.FullPath));
    }

    [Theory]
    [InlineData("error: Required argument missing for command: 'train'. (see netzero train --help)\n", "train")]
    [InlineData("error: Unrecognized command or argument '--what'. (see netzero train --help)\n", "train", "x.json", "--what")]
    [InlineData("error: Required command was not provided. (see netzero --help)\n")]
    [InlineData("error: Required command was not provided. 'trian' is unknown; the nearest is 'train'. (see netzero --help)\n", "trian", "x.json")]
    [InlineData("error: Unrecognized command or argument '--rank'. '--rank' is unknown; the nearest is '--ranks'. (see netzero train --help)\n", "train", "x.json", "--rank", "2")]
    public async Task MistakeOnTheCommandLine_IsOneLineAndCode2(string error, params string[] arguments) =>
        Assert.Equal((2, error), (await RunAsync(arguments), _terminal.Errors));

    [Fact]
    public async Task MissingConfiguration_IsOneLineAndCode2()
    {
        var path = _folder.At("missing.json");

        Assert.Equal(
            (2, $"error: configuration '{path}' not found (looked for {path})\n"),
            (await RunAsync("train", path), _terminal.Errors));
    }

    [Fact]
    public async Task MistakeFoundByTheTrainer_IsOneLineAndCode2() =>
        Assert.Equal((2, "error: no text\n"), (await FailAsync(new ConfigurationException("no\ntext")), _terminal.Errors));

    [Fact]
    public async Task MistakeFoundOnARank_IsUnwrapped()
    {
        var failure = new AggregateException(new Collectives.PeerFailedException(1, new ConfigurationException("no text")));

        Assert.Equal((2, "error: no text\n"), (await FailAsync(failure), _terminal.Errors));
    }

    [Fact]
    public async Task DamagedModel_IsOneLineAndCode2() =>
        Assert.Equal(
            (2, "error: model.safetensors: is cut off\n"),
            (await FailAsync(new Checkpoints.CheckpointFormatException("model.safetensors", "is cut off")), _terminal.Errors));

    [Fact]
    public async Task Defect_IsCode1WithItsStack()
    {
        Assert.Equal(1, await FailAsync(new InvalidOperationException("broken")));
        Assert.StartsWith("error: System.InvalidOperationException: broken", _terminal.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CancelledRun_IsCode130AndSaysWhatWasKept()
    {
        var summary = Reports.Summary with { Cancelled = true, StepsDone = 1, Files = ["config.json", "metrics.jsonl"] };

        Assert.Equal(130, await RunAsync((_, _, _, _) => Task.FromResult(summary), "train", _folder.Configuration));
        Assert.Contains("stopped after 1 of 2 steps; kept: config.json, metrics.jsonl in /runs/x\n", _terminal.Written, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunCancelledBeforeItBegan_IsCode130() =>
        Assert.Equal((130, "stopped\n"), (await FailAsync(new OperationCanceledException()), _terminal.Errors));

    [Fact]
    public async Task Json_IsOneObjectAndNothingElse()
    {
        Assert.Equal(0, await RunAsync("train", _folder.Configuration, "--json"));

        using var json = System.Text.Json.JsonDocument.Parse(_terminal.Written);
        Assert.Equal(2.25, json.RootElement.GetProperty("last_loss").GetDouble());
        Assert.Equal(28, json.RootElement.GetProperty("peak_bytes")[1].GetProperty("total").GetInt64());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Progress_IsShown(bool interactive)
    {
        var terminal = new StringTerminal(interactive);
        var code = await new Tool(terminal, Reports.Engines).RunAsync(["train", _folder.Configuration]);

        Assert.Equal((0, ""), (code, terminal.Errors));
        Assert.Contains("2/2", terminal.Written, StringComparison.Ordinal);
        Assert.Contains("2.2500", terminal.Written, StringComparison.Ordinal);
        Assert.Contains("optimizer", terminal.Written, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_IsCode0()
    {
        Assert.Equal(0, await RunAsync("train", "--help"));
        Assert.Contains("--set <KEY=VALUE>", _terminal.Written, StringComparison.Ordinal);
    }
}
