using System.Numerics;

namespace NetZero.Tensors;

/// <summary>destination[view] = source[view], or += when accumulating: any strides on both sides.</summary>
internal readonly unsafe struct StridedCopyKernel : IKernel
{
    private readonly byte* _source;
    private readonly byte* _destination;
    private readonly Shape _shape;
    private readonly long[] _sourceStrides;
    private readonly long[] _destinationStrides;
    private readonly int _elementBytes;
    private readonly bool _accumulate;

    public StridedCopyKernel(Tensor source, Tensor destination, bool accumulate)
    {
        _source = source.Bytes();
        _destination = destination.Bytes();
        _shape = source.Shape;
        _sourceStrides = source.Strides.ToArray();
        _destinationStrides = destination.Strides.ToArray();
        _elementBytes = source.DType.SizeInBytes();
        _accumulate = accumulate;
    }

    public void Run(WorkerPool workers)
    {
        if (_shape.Elements == 0)
            return;
        var inner = _shape.Dims == 0 ? 1 : _shape[^1];
        var sourceStep = _shape.Dims == 0 ? 1 : _sourceStrides[^1];
        var destinationStep = _shape.Dims == 0 ? 1 : _destinationStrides[^1];
        var outer = _shape.Dims == 0 ? _shape : Shape.Create(_shape.Extents[..^1]);
        var sourceWalk = new StridedWalk(outer, _sourceStrides.AsSpan(0, outer.Dims));
        var destinationWalk = new StridedWalk(outer, _destinationStrides.AsSpan(0, outer.Dims));
        for (long row = 0; row < outer.Elements; row++)
        {
            var source = _source + (sourceWalk.Next() * _elementBytes);
            var destination = _destination + (destinationWalk.Next() * _elementBytes);
            if (_accumulate)
                AddRow((float*)source, sourceStep, (float*)destination, destinationStep, inner);
            else
                CopyRow(source, sourceStep, destination, destinationStep, inner);
        }
    }

    private static void AddRow(float* source, long sourceStep, float* destination, long destinationStep, long count)
    {
        long i = 0;
        if (sourceStep == 1 && destinationStep == 1)
            for (; i + Vector<float>.Count <= count; i += Vector<float>.Count)
                (Vector.Load(destination + i) + Vector.Load(source + i)).Store(destination + i);
        for (; i < count; i++)
            destination[i * destinationStep] += source[i * sourceStep];
    }

    private void CopyRow(byte* source, long sourceStep, byte* destination, long destinationStep, long count)
    {
        if (sourceStep == 1 && destinationStep == 1)
        {
            Buffer.MemoryCopy(source, destination, count * _elementBytes, count * _elementBytes);
            return;
        }

        for (long i = 0; i < count; i++)
        {
            var from = source + (i * sourceStep * _elementBytes);
            var to = destination + (i * destinationStep * _elementBytes);
            switch (_elementBytes)
            {
                case 1: *to = *from; break;
                case 2: *(ushort*)to = *(ushort*)from; break;
                case 4: *(uint*)to = *(uint*)from; break;
                default: *(ulong*)to = *(ulong*)from; break;
            }
        }
    }
}
