using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>What Newton-Schulz steps make of a matrix.</summary>
public class NewtonSchulzTests
{
    [Theory]
    [InlineData(12, 30)]
    [InlineData(30, 12)]
    [InlineData(1, 5)]
    public void Columns_HaveLengthsNearOne_OnTheSideThatHasFewer(int rows, int columns)
    {
        using var tensors = new TensorContext();
        var matrix = tensors.From<float>([.. Enumerable.Range(0, rows * columns).Select(i => MathF.Sin(i * i))], [rows, columns]);
        NewtonSchulz.Orthogonalize(matrix, 5);
        var o = matrix.ToArray<float>();

        // Rows of a wide matrix, columns of a tall one: their squared lengths are means of squared singular values, each of these within 0.68 and 1.14 (Jordan et al. 2024).
        var (few, many) = (Math.Min(rows, columns), Math.Max(rows, columns));
        for (var i = 0; i < few; i++)
            Assert.InRange(Enumerable.Range(0, many).Sum(j => Math.Pow(rows <= columns ? o[(i * columns) + j] : o[(j * columns) + i], 2)), 0.68 * 0.68, 1.14 * 1.14);
    }

    [Fact]
    public void Zeros_StayZeros()
    {
        using var tensors = new TensorContext();
        var matrix = tensors.Full([3, 4], 0);
        NewtonSchulz.Orthogonalize(matrix, 5);
        Assert.All(matrix.ToArray<float>(), v => Assert.Equal(0, v));
    }
}
