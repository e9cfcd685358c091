using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Kernels of a device as another assembly writes them, that sees nothing of the processor's: from their names, their types and their arguments.</summary>
internal static unsafe class OwnKernels
{
    private static readonly DType[] Types = [DType.F32, DType.BF16, DType.F16];

    /// <summary>Own kernels for some ops, counted, and the processor's code for the rest.</summary>
    public static KernelRegistry Register(Action<string> count)
    {
        var kernels = new KernelRegistry("own").AddProcessorCode();
        Add("Fill", DType.F32, static (DeviceStream stream, in KernelArguments a) =>
        {
            var (y, elements, value) = ((nint)a.Address(0), a.Int64(1), a.Single(2));
            stream.Enqueue(() => new Span<float>((void*)y, (int)elements).Fill(value));
        });
        Add("Clear", DType.U8, static (DeviceStream stream, in KernelArguments a) =>
        {
            var (y, bytes) = ((nint)a.Address(0), a.Int64(1));
            stream.Enqueue(() => new Span<byte>((void*)y, (int)bytes).Clear());
        });
        Add("GradientFactor", DType.F32, static (DeviceStream stream, in KernelArguments a) =>
        {
            var (norm, root, lossScale, maxNorm, skips, factor) = ((nint)a.Address(0), a.Flag(1), a.Double(2), a.Double(3), a.Flag(4), (nint)a.Address(5));
            stream.Enqueue(() => Decide((double*)norm, root, lossScale, maxNorm, skips, (float*)factor));
        });
        foreach (var type in Types)
            Add("ColumnSum", type, static (DeviceStream stream, in KernelArguments a) =>
            {
                var (x, y) = (((nint)a.Address(0), a.Type(1)), ((nint)a.Address(2), a.Type(3)));
                var (rows, columns, accumulate) = (a.Int64(4), a.Int64(5), a.Flag(6));
                stream.Enqueue(() => SumColumns(x, y, rows, columns, accumulate));
            });
        return kernels;

        void Add(string op, DType dtype, DeviceKernel kernel) => kernels.Add(op, dtype, (DeviceStream stream, in KernelArguments arguments) =>
        {
            count(op);
            kernel(stream, arguments);
        });
    }

    private static void Decide(double* norm, bool root, double lossScale, double maxNorm, bool skips, float* factor)
    {
        if (norm == null)
        {
            (factor[0], factor[1]) = ((float)(1 / lossScale), 0);
            return;
        }

        *norm = (root ? Math.Sqrt(*norm) : *norm) / lossScale;
        if (factor == null)
            return;
        if (maxNorm > 0)
            factor[0] = (float)((maxNorm < *norm + 1e-6 ? maxNorm / (*norm + 1e-6) : 1) / lossScale);
        factor[1] = skips && !double.IsFinite(*norm) ? 1 : 0;
    }

    // Fewer rows than the processor's kernel sums apart from each other: one sum in order, from what is there.
    private static void SumColumns((nint At, DType Type) x, (nint At, DType Type) y, long rows, long columns, bool accumulate)
    {
        for (long j = 0; j < columns; j++)
        {
            float total = 0;
            for (long i = 0; i < rows; i++)
                total += Read(x, (i * columns) + j);
            Write(y, j, accumulate ? Read(y, j) + total : total);
        }
    }

    private static float Read((nint At, DType Type) from, long i) => from.Type switch
    {
        DType.F32 => ((float*)from.At)[i],
        DType.BF16 => (float)((BFloat16*)from.At)[i],
        _ => (float)((Half*)from.At)[i],
    };

    private static void Write((nint At, DType Type) to, long i, float value)
    {
        if (to.Type == DType.F32)
            ((float*)to.At)[i] = value;
        else if (to.Type == DType.BF16)
            ((BFloat16*)to.At)[i] = (BFloat16)value;
        else
            ((Half*)to.At)[i] = (Half)value;
    }
}
