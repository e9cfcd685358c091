using NetZero.Training;

namespace NetZero.Cli.Tests;

public class OutputTests
{
    private const string Configuration = """
        { "model": { "n_layer": 6, "n_head": 6, "n_embd": 384, "n_positions": 256 }, "data": { "train": "x" },
          "train_batch_size": 24, "ranks": 2, "threads_per_rank": 1, "steps": 2, "zero_optimization": { "stage": 3 } }
        """;

    private static string Play(params string[] overrides)
    {
        var terminal = new StringTerminal();
        Reports.Play(RunConfiguration.Parse(Configuration, overrides), new TrainingOptions(), new PlainProgress(terminal.Out), default);
        return terminal.Written;
    }

    [Fact]
    public void PlainProgress_IsALineAStep_WithMemoryWhenItRises() =>
        Assert.Equal(
            """
            model   gpt2 with 6 layers, 6 heads, hidden 384: 10.8 million parameters
            text    1,234,567 tokens, 4,822 samples of 256 (passed over: 1 build output, 1 binary)
            step    24 samples = 2 ranks x 1 micro-batch x 12, 6,144 tokens; ZeRO stage 3, 1 thread per rank
            output  /runs/x
            step 1/2  loss 5.5000  grad norm 1.2500  lr 3.00e-4  2,205 tokens/s  left 1:23
              peak memory, ranks 0-1: parameter 1.00 MiB, gathered 2.00 MiB, gradient 3.00 MiB, optimizer 4.00 MiB, activation 5.00 MiB, workspace 7.00 MiB; together 21.0 MiB
            step 2  validation loss 4.5000  perplexity 90.017
            step 2/2  loss 2.2500  grad norm 1.2500  lr 3.00e-4  2,205 tokens/s  left 1:23

            """.ReplaceLineEndings("\n"),
            Play());

    [Fact]
    public void LogEvery_LeavesStepsOut_ButNotTheLast()
    {
        var lines = Play("log_every=5").Split('\n').Where(line => line.StartsWith("step ", StringComparison.Ordinal) && line.Contains('/'));

        Assert.Equal(["step 1/2", "step 2/2"], lines.Where(line => line.Contains("loss", StringComparison.Ordinal)).Select(line => line[..8]));
    }

    [Fact]
    public void Summary_ShowsMemoryBesideTheFormula_AndNoControlCharacters()
    {
        var terminal = new StringTerminal();
        SummaryText.Write(terminal.Out, Reports.Summary);

        Assert.Equal(
            """

            loss    5.5000 -> 2.2500 nats per token (unigram entropy of the text 3.1250)
            speed   2,205 tokens/s in the median step, 1:01 in all
            memory  peak by kind                  rank 0      rank 1
                    parameter                   1.00 MiB         1 B
                    gathered                    2.00 MiB         2 B
                    gradient                    3.00 MiB         3 B
                    optimizer                   4.00 MiB         4 B
                    activation                  5.00 MiB         5 B
                    communication                    0 B         6 B
                    workspace                   7.00 MiB         7 B
                    all kinds together          21.0 MiB        28 B
                    model states at update      4.00 MiB         4 B
                    the formula says            4.00 MiB         4 B
            files   /runs/x: config.json, metrics.jsonl, memory.json, model/
            sample
              | the
              | end�[2J

            """.ReplaceLineEndings("\n"),
            terminal.Written);
    }

    [Fact]
    public void RunThatWasStoppedAtOnce_HasAShortSummary()
    {
        var terminal = new StringTerminal();
        SummaryText.Write(terminal.Out, new RunSummary { OutputDirectory = "/runs/x", Files = [], StepsDone = 0, Steps = 9, Cancelled = true });

        Assert.Equal("\nstopped after 0 of 9 steps; kept: nothing\n", terminal.Written);
    }

    // A text of 6 steps where 100 were asked for: who stops the run stops it before the sixth, and its end is no stop.
    [Theory]
    [InlineData(4, true, "stopped after 4 of 6 steps and saved /runs/x/step-4; --resume goes on from there")]
    [InlineData(6, false, "the text was at its end after 6 of 100 steps")]
    public void RunWithFewerStepsThanWereAskedFor_IsSaidToHaveThese(int done, bool stopped, string expected)
    {
        var terminal = new StringTerminal();
        SummaryText.Write(terminal.Out, new RunSummary
        {
            OutputDirectory = "/runs/x",
            Files = [],
            StepsDone = done,
            Steps = 100,
            TextSteps = 6,
            Stopped = stopped,
            Checkpoint = stopped ? "/runs/x/step-4" : null,
        });

        Assert.Contains($"\n{expected}\n", terminal.Written, StringComparison.Ordinal);
        Assert.Equal(!stopped, terminal.Written.Contains("the text was at its end", StringComparison.Ordinal));
    }
}
