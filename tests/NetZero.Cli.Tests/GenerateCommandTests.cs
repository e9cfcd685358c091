using NetZero.Training;

namespace NetZero.Cli.Tests;

public class GenerateCommandTests
{
    private readonly StringTerminal _terminal = new();
    private GenerationRequest? _asked;

    private Task<int> RunAsync(params string[] arguments) => new Tool(_terminal, Reports.Engines with
    {
        Generate = (request, onText, _) =>
        {
            _asked = request;
            onText(" upon\ta");
            onText("\ntime\u001b");
        },
    }).RunAsync(["generate", .. arguments]);

    [Fact]
    public async Task Generate_PrintsPromptAndText_WithoutControlCharacters()
    {
        Assert.Equal(0, await RunAsync("--model", "m", "--prompt", "@once"));

        Assert.Equal($"@once upon\ta\ntime\uFFFD\n", _terminal.Written);
        Assert.Equal(new GenerationRequest("m", "@once", 200, new SamplingOptions(1, 0, 0)), _asked);
    }

    [Fact]
    public async Task Options_AreTaken()
    {
        await RunAsync("--model", "m", "--prompt", "p", "--tokens", "7", "--temperature", "0.5", "--top-k", "40", "--seed", "9");

        Assert.Equal(new GenerationRequest("m", "p", 7, new SamplingOptions(0.5, 40, 9)), _asked);
    }

    [Fact]
    public async Task Adapter_IsTaken()
    {
        await RunAsync("--model", "m", "--adapter", "a", "--prompt", "p");

        Assert.Equal(new GenerationRequest("m", "p", 200, new SamplingOptions(1, 0, 0), "a"), _asked);
    }

    [Fact]
    public async Task EmptyPrompt_StartsALine()
    {
        await RunAsync("--model", "m", "--prompt", "");

        Assert.Equal("\n", _asked!.Prompt);
        Assert.StartsWith(" upon", _terminal.Written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Option '--prompt' is required. (see netzero generate --help)", "--model", "m")]
    [InlineData("Option '--model' is required. (see netzero generate --help)", "--prompt", "p")]
    [InlineData("--model is empty; name a model's folder, such as runs/quickstart/model", "--model", "", "--prompt", "p")]
    [InlineData("--adapter is empty; name an adapter's folder, such as runs/lora/adapter, or leave it out", "--model", "m", "--adapter", "", "--prompt", "p")]
    [InlineData("tokens is 0; expected a whole number, at least 1", "--model", "m", "--prompt", "p", "--tokens", "0")]
    [InlineData("temperature is -1; expected a number, at least 0", "--model", "m", "--prompt", "p", "--temperature", "-1")]
    [InlineData("top-k is -1; expected a whole number, at least 0 (0 is all tokens)", "--model", "m", "--prompt", "p", "--top-k", "-1")]
    public async Task Mistake_IsOneLineAndCode2(string error, params string[] arguments)
    {
        Assert.Equal((2, $"error: {error}\n", ""), (await RunAsync(arguments), _terminal.Errors, _terminal.Written));
        Assert.Null(_asked);
    }

    [Fact]
    public async Task MissingModel_IsOneLineAndCode2()
    {
        var code = await new Tool(_terminal, Engines.Real).RunAsync(["generate", "--model", "/no/such", "--prompt", "p"]);

        Assert.Equal((2, "error: /no/such: there is no such folder\n", ""), (code, _terminal.Errors, _terminal.Written));
    }

    [Fact]
    public async Task SavedModel_Writes()
    {
        var arguments = new[] { "generate", "--model", NetZero.Testing.Fixtures.Gpt2Tiny.Folder, "--prompt", "The ", "--tokens", "20", "--seed", "3" };
        var again = new StringTerminal();

        Assert.Equal(0, await new Tool(_terminal, Engines.Real).RunAsync(arguments));
        Assert.Equal(0, await new Tool(again, Engines.Real).RunAsync(arguments));

        Assert.StartsWith("The ", _terminal.Written, StringComparison.Ordinal);
        Assert.True(_terminal.Written.Length > "The \n".Length);
        Assert.Equal(_terminal.Written, again.Written);
    }
}
