using System.Buffers.Binary;
using System.Text;

namespace NetZero.Checkpoints.Tests;

public sealed class SafetensorsHeaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_AHeaderByHand_ListsTensorsInTheOrderOfTheirBytes()
    {
        var header = Bytes.Header(
            """ "__metadata__":{"format":"pt","note":"x"} """,
            Bytes.Tensor("late", "F32", "[2,3]", 9, 33),
            Bytes.Tensor("empty", "F64", "[0,7]", 9, 9),
            Bytes.Tensor("first", "F16", "[4]", 0, 8),
            Bytes.Tensor("scalar", "I8", "[]", 8, 9)) + "   ";
        using var file = Open(Bytes.File(header, 33));
        Assert.Equal(["first", "scalar", "empty", "late"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal("x", file.Metadata["note"]);
        var late = file.Find("late");
        Assert.Equal((SafetensorsDType.F32, 6L, 24L), (late.DType, late.ElementCount, late.LengthBytes));
        Assert.Equal([2, 3], late.Shape);
        Assert.Equal(8 + Encoding.UTF8.GetByteCount(header) + 9, late.OffsetBytes);
        Assert.Equal(1, file.Find("scalar").ElementCount);
    }

    [Theory]
    [InlineData("BOOL", 8)]
    [InlineData("F4", 4)]
    [InlineData("F6_E2M3", 6)]
    [InlineData("F6_E3M2", 6)]
    [InlineData("U8", 8)]
    [InlineData("I8", 8)]
    [InlineData("F8_E5M2", 8)]
    [InlineData("F8_E4M3", 8)]
    [InlineData("F8_E8M0", 8)]
    [InlineData("F8_E4M3FNUZ", 8)]
    [InlineData("F8_E5M2FNUZ", 8)]
    [InlineData("I16", 16)]
    [InlineData("U16", 16)]
    [InlineData("F16", 16)]
    [InlineData("BF16", 16)]
    [InlineData("I32", 32)]
    [InlineData("U32", 32)]
    [InlineData("F32", 32)]
    [InlineData("C64", 64)]
    [InlineData("F64", 64)]
    [InlineData("I64", 64)]
    [InlineData("U64", 64)]
    public void Open_EachDTypeOfTheFormat_HasItsWidth(string dtype, int bits)
    {
        using var file = Open(Bytes.File(Bytes.Header(Bytes.Tensor("t", dtype, "[4,5]", 0, 20 * bits / 8)), 20 * bits / 8));
        Assert.Equal(dtype, file.Find("t").DType.Name());
        Fails(Bytes.Header(Bytes.Tensor("t", dtype, "[4,5]", 0, 20 * bits / 8 + 1)), 20 * bits / 8 + 1, "'t' has", $"expected {20 * bits / 8}");
    }

    [Fact]
    public void Open_NoTensors_IsAnEmptyFile()
    {
        using var file = Open(Bytes.File("{}", 0));
        Assert.Empty(file.Tensors);
    }

    [Theory]
    [InlineData("[]", "does not begin with '{'")]
    [InlineData(" {}", "does not begin with '{'")]
    [InlineData("{", "not valid JSON at byte")]
    [InlineData("{}x", "not valid JSON at byte")]
    [InlineData("{}{}", "not valid JSON at byte")]
    [InlineData("{\"a\":1}", "'a' is not described by an object")]
    [InlineData("{\"a\":{}}", "'a' has no dtype")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "'a' has no data_offsets")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}", "'a' has no shape")]
    [InlineData("{\"a\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,0]}}", "'a' has a dtype that is not a string")]
    [InlineData("{\"a\":{\"dtype\":\"F33\",\"shape\":[],\"data_offsets\":[0,0]}}", "'a' has the unknown dtype 'F33'")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,0]}}", "'a' has dtype twice")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,0]}}", "'a' has a shape that is not a list")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,0]}}", "'a' has a shape with something else")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,0]}}", "'a' has a shape with something else")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,0]}}", "'a' has a shape with something else")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "'a' has data_offsets [0], expected [begin, end]")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "'a' has data_offsets [4, 0], expected [begin, end]")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[9223372036854775807,9223372036854775807]}}", "beyond what a file")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", "'a' has a shape with something else")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296],\"data_offsets\":[0,4]}}", "beyond what a file")]
    [InlineData("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", "does not fill whole bytes")]
    [InlineData("{\"__metadata__\":[]}", "__metadata__ is not an object")]
    [InlineData("{\"__metadata__\":{\"a\":1}}", "a value that is not a string, at key 'a'")]
    [InlineData("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", "the key 'a' twice")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{}}", "'__metadata__' is in the header twice")]
    [InlineData("{\"\\ud800\":{}}", "not valid Unicode")]
    public void Open_ABadHeader_NamesWhatIsWrong(string header, string message) => Fails(header, 0, message);

    [Fact]
    public void Open_ANameTwice_IsNamedAlsoWhenItIsSpelledWithEscapes()
    {
        Fails(Bytes.Header(Bytes.Tensor("a", "U8", "[1]", 0, 1), Bytes.Tensor("a", "U8", "[1]", 1, 2)), 2, "'a' is in the header twice");
        Fails(Bytes.Header(Bytes.Tensor("a", "U8", "[1]", 0, 1), Bytes.Tensor("\\u0061", "U8", "[1]", 1, 2)), 2, "'a' is in the header twice");
    }

    [Fact]
    public void Open_TensorsThatOverlap_NamesBoth() =>
        Fails(
            Bytes.Header(Bytes.Tensor("a", "F32", "[2]", 0, 8), Bytes.Tensor("b", "F32", "[2]", 4, 12)), 12, "'b' begins at byte", "overlaps tensor 'a'");

    [Fact]
    public void Open_TwoTensorsOnTheSameBytes_AreAnOverlap() =>
        Fails(Bytes.Header(Bytes.Tensor("a", "F32", "[2]", 0, 8), Bytes.Tensor("b", "F32", "[2]", 0, 8)), 8, "'b' begins", "overlaps tensor 'a'");

    [Fact]
    public void Open_AHoleBetweenTensors_NamesTheOneAfterIt()
    {
        Fails(Bytes.Header(Bytes.Tensor("a", "U8", "[1]", 1, 2)), 2, "'a' begins", "no tensor owns the bytes between");
        Fails(Bytes.Header(Bytes.Tensor("a", "U8", "[1]", 0, 1), Bytes.Tensor("b", "U8", "[1]", 2, 3)), 3, "'b' begins", "no tensor owns the bytes between");
    }

    [Fact]
    public void Open_BytesAfterTheLastTensor_AreAnError() =>
        Fails(Bytes.Header(Bytes.Tensor("a", "U8", "[1]", 0, 1)), 2, "no tensor owns the rest");

    [Fact]
    public void Open_AFileCutAnywhere_SaysThatItIsTruncated()
    {
        var whole = Bytes.File(Bytes.Header(Bytes.Tensor("a", "F32", "[3]", 0, 12), Bytes.Tensor("b", "U8", "[5]", 12, 17)), 17);
        var headerEnd = whole.Length - 17;
        for (var length = 0; length < whole.Length; length++)
        {
            var error = Fails(whole[..length]);
            Assert.Contains(length < 8 ? "not a safetensors file" : "truncated", error.Message);
            var tensor = length < headerEnd ? null : length < headerEnd + 12 ? "a" : "b";
            Assert.Equal(tensor, error.Tensor);
        }
    }

    [Theory]
    [InlineData(100_000_001, "above the format's limit")]
    [InlineData(ulong.MaxValue, "above the format's limit")]
    [InlineData(1UL << 63, "above the format's limit")]
    [InlineData(99_999_999, "truncated in the header")]
    [InlineData(3, "truncated in the header")]
    public void Open_AHugeHeaderLength_IsRefusedBeforeAnythingIsAllocated(ulong length, string message)
    {
        var file = new byte[10];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        var path = Write(file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(path));
        Assert.Contains(message, error.Message);

        // The handle, the exception and its message: far below the smallest of the lengths that a header of this size could cost.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Open_ANameWithLineBreaks_GivesAMessageOfOneLine()
    {
        var error = Fails(Bytes.File(Bytes.Header(Bytes.Tensor("a\\nb\\u0000" + new string('x', 10_000), "F99", "[]", 0, 0)), 0));
        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains("'a\\u000ab\\u0000xxx", error.Message);
        Assert.InRange(error.Message.Length, 1, 500);
    }

    [Fact]
    public void Open_AMissingFile_IsFileNotFound() =>
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(_folder["none.safetensors"]));

    private void Fails(string header, int dataBytes, params string[] messages)
    {
        var error = Fails(Bytes.File(header, dataBytes));
        Assert.All(messages, message => Assert.Contains(message, error.Message));
    }

    private CheckpointFormatException Fails(byte[] bytes)
    {
        var path = Write(bytes);
        var error = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path + ": ", error.Message);
        return error;
    }

    private SafetensorsFile Open(byte[] bytes) => SafetensorsFile.Open(Write(bytes));

    private string Write(byte[] bytes)
    {
        var path = _folder["file.safetensors"];
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
