using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Squared norms of a stretch of values and of the direction that a layer-wise optimizer moves them in, in double precision.</summary>
/// <remarks>Sums are taken over fixed blocks of the shard and added in their order: the bits depend neither on threads nor on the vector width. They stay on the device.</remarks>
public static unsafe class FlatNorms
{
    /// <summary>Adds Σp² and Σu², with LAMB's direction u, to two numbers.</summary>
    public static void AddOfLamb(FlatStretch stretch, FlatState moment1, FlatState moment2, LambSettings settings, DeviceNumbers sums) =>
        Add(stretch, moment1, moment2, new LambRule(settings, 0), sums);

    /// <summary>Adds Σp² and Σg², with g = gradient * scale, to two numbers.</summary>
    public static void AddOfGradients(FlatStretch stretch, DeviceNumbers sums) =>
        Add(stretch, FlatState.None, FlatState.None, default(GradientDirection), sums);

    /// <summary>Adds Σp² and Σu², with Adafactor's direction u = gradient * scale * factor, to two numbers.</summary>
    /// <param name="stretch">Values and gradients.</param>
    /// <param name="factors">A factor for each element.</param>
    /// <param name="sums">Both numbers.</param>
    public static void AddOfFactored(FlatStretch stretch, FlatState factors, DeviceNumbers sums) =>
        Add(stretch, factors, FlatState.None, default(FactoredDirection), sums);

    private static void Add<TDirection>(FlatStretch stretch, FlatState first, FlatState second, TDirection direction, DeviceNumbers sums)
        where TDirection : struct, IDirection
    {
        ArgumentNullException.ThrowIfNull(sums);
        var context = sums.Context;
        using var scratch = context.RentWorkspace(FlatNormsKernel<TDirection>.WorkspaceBytes(stretch));
        context.Launch(new FlatNormsKernel<TDirection>(stretch, first, second, direction, (double*)scratch.Pointer, sums.Pointer));
    }
}

/// <summary>Both sums of <see cref="FlatNorms"/> in one pass.</summary>
internal readonly unsafe struct FlatNormsKernel<TDirection>(
    FlatStretch stretch, FlatState first, FlatState second, TDirection direction, double* scratch, double* sums) : IKernel, IParallelBody
    where TDirection : struct, IDirection
{
    private const int Block = FlatState.BlockElements;

    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        first.Describe(ref arguments);
        second.Describe(ref arguments);
        arguments.AddRule(direction);
        arguments.Add(scratch);
        arguments.Add(sums);
    }

    public KernelWork Work => stretch.Work(first, second);

    private long FirstTask => FlatTasks.Count(stretch.Start + 1) - 1;

    /// <summary>Scratch memory: two doubles for each task.</summary>
    public static long WorkspaceBytes(FlatStretch stretch) => (FlatTasks.Count(stretch.End) - FlatTasks.Count(stretch.Start + 1) + 1) * 2 * sizeof(double);

    public void Run(WorkerPool workers)
    {
        if (stretch.Count == 0)
            return;
        var body = this;
        var tasks = FlatTasks.Count(stretch.End) - FirstTask;
        workers.For(tasks, ref body);
        double ofValues = 0, ofDirection = 0;
        for (long task = 0; task < tasks; task++)
        {
            ofValues += scratch[2 * task];
            ofDirection += scratch[1 + (2 * task)];
        }

        sums[0] += ofValues;
        sums[1] += ofDirection;
    }

    // The tiles are written before they are read.
    [SkipLocalsInit]
    public void Run(long index, int worker)
    {
        var (start, length) = FlatTasks.Part(FirstTask + index, stretch.End);
        var tiles = stackalloc float[4 * Block];
        double sumOfValues = 0, sumOfDirection = 0;
        for (var b = Math.Max(start, stretch.Start) / Block * Block; b < start + length; b += Block)
        {
            var (i, end) = (Math.Max(Math.Max(start, stretch.Start), b), Math.Min(start + length, b + Block));
            var g = stretch.Gradients.At(i).Read(end - i, tiles);
            var m = TDirection.States < 1 ? g : Read(first, b, i, end, tiles + Block);
            var v = TDirection.States < 2 ? g : Read(second, b, i, end, tiles + (2 * Block));
            var u = tiles + (3 * Block);
            Directions(stretch.Values + i, g, m, v, u, end - i);
            sumOfValues += HostReductionKernel<SumOfSquaresRule>.OneBlock(stretch.Values + i, (int)(end - i));
            sumOfDirection += HostReductionKernel<SumOfSquaresRule>.OneBlock(u, (int)(end - i));
        }

        scratch[2 * index] = sumOfValues;
        scratch[1 + (2 * index)] = sumOfDirection;
    }

    private static float* Read(FlatState state, long block, long from, long to, float* tile) =>
        Lanes16.IsSupported ? FlatStateTile.Read<Lanes16>(state, block, from, to, tile)
        : Lanes8.IsSupported ? FlatStateTile.Read<Lanes8>(state, block, from, to, tile)
        : Lanes4.IsSupported ? FlatStateTile.Read<Lanes4>(state, block, from, to, tile)
        : FlatStateTile.Read<Lanes1>(state, block, from, to, tile);

    private void Directions(float* p, float* g, float* m, float* v, float* u, long count)
    {
        if (Lanes16.IsSupported)
            Directions<Lanes16>(p, g, m, v, u, count);
        else if (Lanes8.IsSupported)
            Directions<Lanes8>(p, g, m, v, u, count);
        else if (Lanes4.IsSupported)
            Directions<Lanes4>(p, g, m, v, u, count);
        else
            Directions<Lanes1>(p, g, m, v, u, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Directions<T>(float* p, float* g, float* m, float* v, float* u, long count)
        where T : struct, ILanes<T>
    {
        var rule = direction;
        var scale = T.Splat(stretch.Scale);
        long i = 0;
        for (; i <= count - T.Count; i += T.Count)
            T.Store(rule.Of(T.Load(p + i), T.Load(g + i) * scale, T.Load(m + i), T.Load(v + i)), u + i);
        if (i == count)
            return;
        var n = count - i;
        var last = rule.Of(
            PartialLanes.Load<T>(p + i, n), PartialLanes.Load<T>(g + i, n) * scale, PartialLanes.Load<T>(m + i, n), PartialLanes.Load<T>(v + i, n));
        PartialLanes.Store(u + i, last, n);
    }
}
