using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class PhiloxTests
{
    // Known answers published with the authors' library Random123 (kat_vectors, philox4x32 10).
    [Theory]
    [InlineData(0ul, 0ul, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(
        0x85a308d3_243f6a88ul, 0x03707344_13198a2eul, 0x299f31d0_a4093822ul, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Generate_PublishedVectors_GivesThePublishedWords(ulong low, ulong high, ulong key, uint w0, uint w1, uint w2, uint w3) =>
        Assert.Equal(new Philox.Block(w0, w1, w2, w3), Philox.Generate(low, high, key));

    [Theory]
    [InlineData(0ul, 0ul, 0ul)]
    [InlineData(0xFFFF_FFFEul, 7ul, 42ul)] // the counter's low word overflows inside the group of four
    [InlineData(ulong.MaxValue - 1, ulong.MaxValue, 0x0123456789abcdeful)]
    public void GenerateVector_AnyCounter_EqualsFourScalarBlocks(ulong block, ulong high, ulong key)
    {
        var fast = stackalloc uint[PhiloxVector.Words];
        var slow = stackalloc uint[PhiloxVector.Words];
        PhiloxVector.Generate(block, high, key, fast);
        PhiloxVector.GenerateScalar(block, high, key, slow);
        Assert.Equal(new Span<uint>(slow, PhiloxVector.Words).ToArray(), new Span<uint>(fast, PhiloxVector.Words).ToArray());
    }
}
