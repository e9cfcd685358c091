using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class DropoutKernelTests
{
    [Fact]
    public void Run_EveryLengthTo130AndTwoChunks_DropsByTheWordsOfTheStream()
    {
        for (var elements = 1; elements <= 130; elements++)
            AssertDropsByTheWords(elements);
        AssertDropsByTheWords(16387);
    }

    private static void AssertDropsByTheWords(int elements)
    {
        const float p = 0.3f;
        var key = new DropoutKey(Seed: 9, Step: 5, Site: 2, FirstSample: 11);
        var y = Run(samples: 3, elements, p, key);
        for (var s = 0; s < 3; s++)
        {
            for (var e = 0; e < elements; e++)
            {
                var block = Philox.Generate((ulong)(e / 4), (ulong)(11 + s), key.Derive());
                var word = (e % 4) switch { 0 => block.W0, 1 => block.W1, 2 => block.W2, _ => block.W3 };
                Assert.Equal(word < (uint)(p * 4294967296.0) ? 0 : 1 / (1 - p), y[(s * elements) + e]);
            }
        }
    }

    [Fact]
    public void Run_SamplesOnTwoRanks_EqualsTheWholeBatch()
    {
        var key = new DropoutKey(Seed: 9, Step: 5, Site: 2, FirstSample: 4);
        var whole = Run(samples: 4, elements: 37, 0.5f, key);
        var half = Run(samples: 2, elements: 37, 0.5f, key with { FirstSample = 6 });
        Assert.Equal(whole.AsSpan(2 * 37).ToArray(), half);
    }

    [Fact]
    public void Run_OtherStepSiteOrSeed_DropsOtherElements()
    {
        var key = new DropoutKey(1, 1, 1, 0);
        var y = Run(1, 200, 0.5f, key);
        Assert.NotEqual(y, Run(1, 200, 0.5f, key with { Step = 2 }));
        Assert.NotEqual(y, Run(1, 200, 0.5f, key with { Site = 2 }));
        Assert.NotEqual(y, Run(1, 200, 0.5f, key with { Seed = 2 }));
    }

    [Fact]
    public void Run_ManyElements_KeepsTheAskedShare()
    {
        const int n = 100_000;
        const float p = 0.1f;
        var kept = Run(1, n, p, new DropoutKey(1, 0, 0, 0)).Count(v => v != 0);
        Assert.InRange(kept, (n * (1 - p)) - (5 * Math.Sqrt(n * p * (1 - p))), (n * (1 - p)) + (5 * Math.Sqrt(n * p * (1 - p))));
    }

    [Fact]
    public void Run_WithAccumulate_AddsToTheTarget()
    {
        using var workers = new WorkerPool();
        var key = new DropoutKey(1, 0, 0, 0);
        var x = PinnedFloats.Random(33, 1);
        var y = new PinnedFloats(33, fill: 1);
        var fresh = new PinnedFloats(33);
        new DropoutKernel(x.Pointer, y.Pointer, 1, 33, 0.5f, key, accumulate: true).Run(workers);
        new DropoutKernel(x.Pointer, fresh.Pointer, 1, 33, 0.5f, key, accumulate: false).Run(workers);
        for (var i = 0; i < 33; i++)
            Assert.Equal(1 + fresh[i], y[i]);
    }

    private static float[] Run(int samples, int elements, float p, DropoutKey key)
    {
        using var workers = new WorkerPool(2);
        var x = new PinnedFloats(samples * elements, fill: 1);
        var y = new PinnedFloats(samples * elements);
        new DropoutKernel(x.Pointer, y.Pointer, samples, elements, p, key, accumulate: false).Run(workers);
        return y.ToArray();
    }
}
