namespace NetZero.Tensors.Tests;

/// <summary>Products of matrices in double precision with the sum of magnitudes, which bounds the error of a float result.</summary>
internal sealed class MatrixProduct
{
    private readonly double[] _values;
    private readonly double[] _magnitudes;
    private long _terms;

    public MatrixProduct(int count)
    {
        _values = new double[count];
        _magnitudes = new double[count];
    }

    public void Add(int at, double term)
    {
        _values[at] += term;
        _magnitudes[at] += double.Abs(term);
        _terms++;
    }

    // A sum of n terms, whatever its order, is off by at most gamma(n + 1) times the sum of magnitudes: n - 1 additions, one product, and one
    // more addition where a gradient is added to another (Higham, section 3.1). n is at most the number of terms over the number of sums, as all are equally long.
    public void AssertEquals(Tensor actual)
    {
        Assert.Equal(_values.Length, actual.Elements);
        var roundings = ((double)_terms / _values.Length + 1) * double.ScaleB(1, -24);
        var found = actual.ToArray<float>();
        for (var i = 0; i < found.Length; i++)
        {
            var tolerance = roundings / (1 - roundings) * _magnitudes[i];
            if (!(double.Abs(found[i] - _values[i]) <= tolerance))
                Assert.Fail($"element {i} is {found[i]}, expected {_values[i]} +- {tolerance}");
        }
    }

    public static Tensor Uniform(TensorContext context, Shape shape, int seed)
    {
        var random = new Random(seed);
        var values = new float[shape.Elements];
        foreach (ref var value in values.AsSpan())
            value = random.NextSingle() * 2 - 1;
        return context.From<float>(values, shape);
    }
}
