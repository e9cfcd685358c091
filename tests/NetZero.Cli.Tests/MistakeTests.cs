using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.RegularExpressions;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>The tool with its real trainer on bad input: one line on the error output, exit code 2, and nothing written anywhere.</summary>
public sealed class MistakeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringTerminal _terminal = new();

    public MistakeTests()
    {
        File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));
        File.WriteAllText(_folder.At("empty.txt"), "");
        File.WriteAllText(_folder.At("short.txt"), "0123456789");
        var weights = File.ReadAllBytes(Path.Combine(Fixtures.Gpt2Tiny.Folder, "model.safetensors"));
        Model("truncated", weights[..^100]);
        Model("no-header", [.. BitConverter.GetBytes(long.MaxValue), .. weights[8..]]);
        Model("no-json", [.. weights[..8], (byte)'!', .. weights[9..]]);
        Model("whole", weights);
        Model("deep", weights, "n_layer");
        Model("wide", weights, "n_embd");
        Model("long", weights, "n_positions");
        Model("rows", weights, "vocab_size");
        Directory.CreateDirectory(_folder.At("used"));
        File.WriteAllText(_folder.At("used/metrics.jsonl"), "{}\n");
        File.WriteAllText(_folder.At("used/config.json"), """{ "train_batch_size": 8, "zero_optimization": {} }""");
    }

    public void Dispose() => _folder.Dispose();

    // A folder whose configuration says two billion for one key.
    private void Model(string name, byte[] weights, string? absurd = null)
    {
        Directory.CreateDirectory(_folder.At(name));
        var config = File.ReadAllText(Path.Combine(Fixtures.Gpt2Tiny.Folder, "config.json"));
        File.WriteAllText(_folder.At($"{name}/config.json"), absurd is null ? config : Regex.Replace(config, $"\"{absurd}\": [0-9]+", $"\"{absurd}\": 2000000000"));
        File.WriteAllBytes(_folder.At($"{name}/model.safetensors"), weights);
    }

    // Settings are separated by blanks; @ stands for the test's folder. What the message must say: the thing, what was found, what was expected.
    [Theory]
    [InlineData("model.n_layr=2", "unknown key 'model.n_layr'", "'model.n_layer'")]
    [InlineData("zero_optimization.Stage=3", "unknown key 'zero_optimization.Stage'", "'zero_optimization.stage'")]
    [InlineData("model.n_layer=2.5", "'model.n_layer'", "2.5", "whole number")]
    [InlineData("gradient_clipping=\"yes\"", "'gradient_clipping'", "yes", "number")]
    [InlineData("train_batch_size=7 ranks=2", "'train_batch_size' is 7, which ranks 2 does not divide; use 6 or 8")]
    [InlineData("train_batch_size=8 train_micro_batch_size_per_gpu=3 gradient_accumulation_steps=2", "'train_batch_size' is 8", "= 6;")]
    [InlineData("data.train=@/missing.txt", "'data.train'", "missing.txt", "not found")]
    [InlineData("data.train=@/no*such", "'data.train'", "no*such")]
    [InlineData("data.train=@/empty.txt", "'data.train'", "empty.txt", "is empty")]
    [InlineData("data.train=@/short.txt", "'data.train'", "10 tokens", "65")]
    [InlineData("data.seq_len=65", "'data.seq_len' is 65", "'model.n_positions' 64")]
    [InlineData("model.n_head=3", "'model.n_embd' is 64", "'model.n_head' 3")]
    [InlineData("ranks=1000 train_batch_size=1000", "samples", "1000 ranks")]
    [InlineData("model.n_embd=2000000000", "'model'", "n_embd 2000000000", "make 96000000696000000000 parameters")]
    [InlineData("model.n_layer=2000000000", "'model.n_layer' is the number 2000000000", "from 1 to 10000")]
    [InlineData("model.n_positions=2000000000 data.seq_len=8 model.n_embd=4096", "the run needs more than the", "'model.n_positions' 2000000000")]
    [InlineData("model.vocab_size=2000000000 model.n_embd=4096", "the run needs more than the", "'model.vocab_size' 2000000000")]
    [InlineData("train_batch_size=30000000 model.n_embd=4096", "the run needs more than the", "'train_micro_batch_size_per_gpu' 30000000")]
    [InlineData("train_batch_size=2000000000", "a micro-batch has 128000000000 tokens")]
    [InlineData("ranks=2000000000 train_batch_size=2000000000", "'ranks' is the number 2000000000", "from 1 to 1000000")]
    [InlineData("ranks=1000000 train_batch_size=1000000", "samples", "1000000 ranks")]
    [InlineData("threads_per_rank=2000000000", "'threads_per_rank' is the number 2000000000", "from 1 to 1024")]
    [InlineData("ranks=8 train_batch_size=8 threads_per_rank=1000", "8000 threads", "lower either")]
    [InlineData("data.seq_len=2000000000 model.n_positions=2000000000", "a micro-batch has ")]
    [InlineData("init_from=@/deep", "config.json", "n_layer is '2000000000'", "from 1 to 10000")]
    [InlineData("init_from=@/wide", "config.json", "n_embd 2000000000", "parameters")]
    [InlineData("model.layer_norm_epsilon=1e-60", "'model.layer_norm_epsilon'", "1e-60", "in fp32, where it becomes 0")]
    [InlineData("init_from=@/missing", "'init_from'", "missing", "no such folder")]
    [InlineData("init_from=@/truncated", "model.safetensors", "truncated")]
    [InlineData("init_from=@/no-header", "model.safetensors", "header")]
    [InlineData("init_from=@/no-json", "model.safetensors", "the header does not begin with '{'")]
    [InlineData("init_from=@/whole model.n_embd=128", "wte.weight", "[256, 64]", "[256, 128]")]
    [InlineData("init_from=@/whole model.n_layer=3", "h.2.")]
    [InlineData("init_from=@/rows model.vocab_size=256", "config.json says vocab_size 2000000000, but 'wte.weight' has shape [256, 64]")]
    [InlineData("init_from=@/whole model.n_head=8", "'model.n_head' is 8", "4")]
    [InlineData("output_dir=@/text.txt", "text.txt", "not writable")]
    [InlineData("output_dir=@/text.txt/run", "text.txt", "not writable")]
    [InlineData("output_dir=@/used", "already holds a run", "--overwrite")]
    [InlineData("output_dir=@/whole", "whole' holds config.json", "--output")]
    [InlineData("init_from=@/whole output_dir=@/whole", "'init_from'", "lies in the output folder", "--output")]
    [InlineData("memory_budget=200KB", "200,000 bytes", "parameter ", "memory_budget")]
    [InlineData("memory_budget=3MB ranks=2", "3,000,000 bytes", "parameter ", "activation ", "memory_budget")]
    [InlineData("output_dir=\"a\\u0000b\"", "'output_dir'", "without \\u0000")]
    [InlineData("init_from=\"a\\u0000b\"", "'init_from'", "without \\u0000")]
    [InlineData("data.train=\"a\\u0000b\"", "'data.train'", "with \\u0000")]
    [InlineData("data.train=\"a\\ud800\"", "--set 'data.train=", "not valid Unicode")]
    [InlineData("model.layer_norm_epsilon=0", "'model.layer_norm_epsilon'", "above 0 and below 1")]
    [InlineData("deterministic=false", "'deterministic' is false", "only ranks that were started by MPI", "leave it out")]
    [InlineData("deterministic=false ranks=2", "'deterministic' is false", "only ranks that were started by MPI")]
    [InlineData("steps", "steps")]
    [InlineData("=3", "=3")]
    public async Task Train_OnBadInput_SaysSoInOneLine_AndWritesNothing(string settings, params string[] says)
    {
        var before = Everything();
        var set = settings.Replace("@", _folder.FullPath, StringComparison.Ordinal).Split(' ').SelectMany(setting => new[] { "--set", setting });

        var code = await new Tool(_terminal, Engines.Real).RunAsync(
            ["train", _folder.Configuration, "--set", $"data.train={_folder.At("text.txt")}", "--set", "threads_per_rank=1", .. set]);

        Assert.True(code == 2, _terminal.Errors);
        Assert.StartsWith("error: ", _terminal.Errors, StringComparison.Ordinal);
        Assert.Equal(_terminal.Errors.Length - 1, _terminal.Errors.IndexOf('\n', StringComparison.Ordinal));
        Assert.All(says, part => Assert.Contains(part, _terminal.Errors, StringComparison.Ordinal));
        Assert.Equal("", _terminal.Written);
        Assert.Equal(before, Everything());
    }

    // Asking the system for too much is no test: some give what they do not have.
    [Fact]
    public async Task MemoryThatTheSystemDoesNotGive_IsOneLineAndCode2()
    {
        var engines = Reports.Engines with
        {
            Train = (_, _, _, _) => throw new AggregateException(new InsufficientMemoryException("The system does not give 1,000 more bytes;\nlower the micro-batch.")),
        };

        Assert.Equal(2, await new Tool(_terminal, engines).RunAsync(["train", _folder.Configuration]));
        Assert.Equal("error: The system does not give 1,000 more bytes; lower the micro-batch.\n", _terminal.Errors);
    }

    [Theory]
    [InlineData("{ \"steps\": 2", "line 1")]
    [InlineData("{ \"steps\": 2, \"steps\": 3 }", "steps")]
    [InlineData("", "not valid JSON")]
    public async Task Train_OnADamagedConfiguration_SaysWhere(string json, string says)
    {
        File.WriteAllText(_folder.Configuration, json);
        var before = Everything();

        Assert.Equal(2, await new Tool(_terminal, Engines.Real).RunAsync(["train", _folder.Configuration]));
        Assert.StartsWith($"error: {_folder.Configuration}", _terminal.Errors, StringComparison.Ordinal);
        Assert.Contains(says, _terminal.Errors, StringComparison.Ordinal);
        Assert.Equal(before, Everything());
    }

    // Mode bits stop everyone but the superuser; a folder of the kernel's own stops that one too.
    [FactOnSystem(TestSystems.Unix, "on Windows permissions are not told by mode bits")]
    [UnsupportedOSPlatform("windows")]
    public async Task Train_IntoAFolderWithoutPermission_IsRefused()
    {
        Directory.CreateDirectory(_folder.At("closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var kernels = OperatingSystem.IsLinux() ? "/proc" : "/dev";
        foreach (var closed in Environment.IsPrivilegedProcess ? [kernels] : new[] { kernels, _folder.At("closed") })
        {
            var terminal = new StringTerminal();

            Assert.Equal(2, await new Tool(terminal, Engines.Real).RunAsync(
                ["train", _folder.Configuration, "--set", $"data.train={_folder.At("text.txt")}", "--output", $"{closed}/netzero/run"]));
            Assert.Equal($"error: output folder '{closed}/netzero/run' is not writable: no file can be made in '{closed}'\n", terminal.Errors);
            Assert.Equal("", terminal.Written);
        }
    }

    [Theory]
    [InlineData("deep", "config.json", "n_layer is '2000000000', expected a whole number from 1 to 10000")]
    [InlineData("wide", "config.json", "n_embd 2000000000")]
    [InlineData("long", "config.json says n_positions 2000000000, but 'wpe.weight' has shape [64, 64]")]
    public async Task Generate_FromAFolderOfAbsurdSizes_IsOneLine(string name, params string[] says)
    {
        Assert.Equal(2, await new Tool(_terminal, Engines.Real).RunAsync(["generate", "--model", _folder.At(name), "--prompt", "p"]));
        Assert.All(says, part => Assert.Contains(part, _terminal.Errors, StringComparison.Ordinal));
        Assert.Equal(_terminal.Errors.Length - 1, _terminal.Errors.IndexOf('\n', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    public async Task FileThatCannotBeRead_IsOneLine_InTrainAndGenerate(string name)
    {
        // Open without sharing, which stops the superuser too, as permissions do not.
        using var locked = new FileStream(_folder.At($"whole/{name}"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        string[][] commands =
        [
            ["train", _folder.Configuration, "--set", $"data.train={_folder.At("text.txt")}", "--set", $"init_from={_folder.At("whole")}"],
            ["generate", "--model", _folder.At("whole"), "--prompt", "p"],
        ];
        foreach (var command in commands)
        {
            var terminal = new StringTerminal();

            Assert.Equal(2, await new Tool(terminal, Engines.Real).RunAsync(command));
            Assert.Contains($"{name}: cannot be read: ", terminal.Errors, StringComparison.Ordinal);
            Assert.Equal(terminal.Errors.Length - 1, terminal.Errors.IndexOf('\n', StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Train_OnGoodInput_IsCode0_SoThatTheseTestsMeanSomething()
    {
        Assert.Equal(0, await new Tool(_terminal, Engines.Real).RunAsync(
            ["train", _folder.Configuration, "--set", $"data.train={_folder.At("text.txt")}", "--set", $"init_from={_folder.At("whole")}", "--json"]));
        Assert.Equal("", _terminal.Errors);
        Assert.Equal(2, JsonDocument.Parse(_terminal.Written).RootElement.GetProperty("steps").GetInt32());
        Assert.True(File.Exists(_folder.At("out/model/model.safetensors")));
    }

    [Fact]
    public async Task RunThatDiverges_KeepsItsSummary_AndItsModelGeneratesNothing_InOneLine()
    {
        string[] train = ["train", _folder.Configuration, "--set", $"data.train={_folder.At("text.txt")}", "--set", "threads_per_rank=1", "--set", "optimizer.params.lr=1e30"];
        Assert.Equal(0, await new Tool(_terminal, Engines.Real).RunAsync(train));
        Assert.Equal("", _terminal.Errors);
        Assert.Contains("\nsample  none: the weights have diverged; ", _terminal.Written, StringComparison.Ordinal);
        Assert.Contains("\nspeed   ", _terminal.Written, StringComparison.Ordinal);

        var generate = new StringTerminal();
        Assert.Equal(2, await new Tool(generate, Engines.Real).RunAsync(["generate", "--model", _folder.At("out/model"), "--prompt", "p"]));
        Assert.StartsWith("error: the model's weights have diverged", generate.Errors, StringComparison.Ordinal);
        Assert.Equal(generate.Errors.Length - 1, generate.Errors.IndexOf('\n', StringComparison.Ordinal));
        Assert.Equal("", generate.Written);
    }

    private List<(string Path, long Length, DateTime Written)> Everything() =>
    [
        .. Directory.EnumerateFileSystemEntries(_folder.FullPath, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => (path, File.Exists(path) ? new FileInfo(path).Length : -1, File.GetLastWriteTimeUtc(path))),
    ];
}
