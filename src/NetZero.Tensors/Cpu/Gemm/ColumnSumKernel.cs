using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>y[j] (+)= sum over i of x[i, j]: the gradient of a bias. x [rows, columns] contiguous, y [columns].</summary>
/// <remarks>
/// Rows are summed in blocks of 64, in order, and the blocks are added in order: so the error grows with rows / 64 + 64, not with rows, and
/// the bits depend neither on threads nor on the vector width.
/// </remarks>
internal readonly unsafe struct ColumnSumKernel(FloatPointer x, FloatPointer y, long rows, long columns, bool accumulate) : IKernel
{
    private const int BlockRows = 64;

    // Columns of one task: 1 KiB of a row, so that the processor's prefetchers see a stream.
    private const int TaskColumns = 256;

    /// <inheritdoc/>
    public DType DType => x.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(x);
        arguments.Add(y);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(accumulate);
    }

    /// <inheritdoc/>
    public KernelWork Work => KernelWork.Moving(rows * columns, x.ElementBytes);

    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        if (TileVector512.IsSupported)
            Run<TileVector512, Vector512<float>>(workers);
        else if (TileVector256.IsSupported)
            Run<TileVector256, Vector256<float>>(workers);
        else if (TileVector128.IsSupported)
            Run<TileVector128, Vector128<float>>(workers);
        else
            Run<TileScalar, float>(workers);
    }

    private void Run<T, TVector>(WorkerPool workers)
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        var body = new Body<T, TVector>(x, y, rows, columns, accumulate);
        workers.For((columns + TaskColumns - 1) / TaskColumns, ref body);
    }

    private readonly struct Body<T, TVector>(FloatPointer x, FloatPointer y, long rows, long columns, bool accumulate) : IParallelBody
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(long index, int worker)
        {
            var first = index * TaskColumns;
            var count = (int)Math.Min(TaskColumns, columns - first);
            var total = stackalloc float[TaskColumns];
            for (var j = 0; j < count; j++)
                total[j] = accumulate ? y.Get(first + j) : 0;
            for (long start = 0; start < rows; start += BlockRows)
            {
                var height = Math.Min(BlockRows, rows - start);
                var source = x.At(start * columns + first);
                if (source.IsFloat)
                    AddBlock(source.Floats, columns, height, count, total);
                else
                    AddWidened(source, height, count, total);
            }

            y.At(first).Write(total, count);
        }

        // A block of 64 x 64 at a time: 16 KiB of floats.
        [SkipLocalsInit]
        private void AddWidened(FloatPointer source, long blockRows, int count, float* total)
        {
            const int width = 64;
            var tile = stackalloc float[BlockRows * width];
            for (var j = 0; j < count; j += width)
            {
                var n = Math.Min(width, count - j);
                for (long i = 0; i < blockRows; i++)
                    source.At(i * columns + j).Read(n, tile + i * width);
                AddBlock(tile, width, blockRows, n, total + j);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void AddBlock(float* source, long stride, long blockRows, int count, float* total)
        {
            var j = 0;
            for (; j <= count - 4 * T.Width; j += 4 * T.Width)
            {
                TVector sum0 = T.Zero, sum1 = T.Zero, sum2 = T.Zero, sum3 = T.Zero;
                for (long i = 0; i < blockRows; i++)
                {
                    var row = source + i * stride + j;
                    sum0 = T.Add(sum0, T.Load(row));
                    sum1 = T.Add(sum1, T.Load(row + T.Width));
                    sum2 = T.Add(sum2, T.Load(row + 2 * T.Width));
                    sum3 = T.Add(sum3, T.Load(row + 3 * T.Width));
                }

                T.Store(T.Add(T.Load(total + j), sum0), total + j);
                T.Store(T.Add(T.Load(total + j + T.Width), sum1), total + j + T.Width);
                T.Store(T.Add(T.Load(total + j + 2 * T.Width), sum2), total + j + 2 * T.Width);
                T.Store(T.Add(T.Load(total + j + 3 * T.Width), sum3), total + j + 3 * T.Width);
            }

            for (; j < count; j++)
            {
                var sum = 0f;
                for (long i = 0; i < blockRows; i++)
                    sum += source[i * stride + j];
                total[j] += sum;
            }
        }
    }
}
