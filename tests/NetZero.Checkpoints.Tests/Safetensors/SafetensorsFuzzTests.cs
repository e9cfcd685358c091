namespace NetZero.Checkpoints.Tests;

/// <summary>Damaged headers: either they still describe the file, side by side and whole, or the named exception says why not.</summary>
public sealed class SafetensorsFuzzTests
{
    private static readonly string Header = Bytes.Header(
        """ "__metadata__":{"format":"pt"} """,
        Bytes.Tensor("h.0.attn.c_attn.weight", "F32", "[4,3]", 0, 48),
        Bytes.Tensor("wte.weight", "BF16", "[5,2]", 48, 68),
        Bytes.Tensor("mask", "BOOL", "[1,1,2,2]", 68, 72));

    // Characters that mean something in a header, so that damage reaches past the JSON reader.
    private const string Telling = "\"{}[],:0123456789-.eEF\\u_BUI \n\t\0\u007f";

    [Fact]
    public void Parse_EachByteOfTheHeaderDamaged_ParsesOrThrowsTheNamedException()
    {
        var whole = System.Text.Encoding.UTF8.GetBytes(Header);
        for (var at = 0; at < whole.Length; at++)
        {
            var json = (byte[])whole.Clone();
            for (var bit = 0; bit < 8; bit++)
            {
                json[at] = (byte)(whole[at] ^ 1 << bit);
                Try(json, 72);
            }
            foreach (var telling in Telling)
            {
                json[at] = (byte)telling;
                Try(json, 72);
            }
        }
    }

    [Fact]
    public void Parse_RandomEdits_ParsesOrThrowsTheNamedException()
    {
        ulong random = 0x9E3779B97F4A7C15;
        var refused = 0;
        const int rounds = 10_000;
        for (var round = 0; round < rounds; round++)
        {
            var json = new List<byte>(System.Text.Encoding.UTF8.GetBytes(Header));
            for (var edits = 1 + Bytes.Next(ref random) % 6; edits > 0; edits--)
            {
                var at = (int)(Bytes.Next(ref random) % (ulong)json.Count);
                switch (Bytes.Next(ref random) % 5)
                {
                    case 0:
                        json[at] = (byte)Telling[(int)(Bytes.Next(ref random) % (ulong)Telling.Length)];
                        break;
                    case 1:
                        json.Insert(at, (byte)Telling[(int)(Bytes.Next(ref random) % (ulong)Telling.Length)]);
                        break;
                    case 2:
                        json.RemoveAt(at);
                        break;
                    case 3:
                        json[at] = (byte)Bytes.Next(ref random);
                        break;
                    default:
                        var length = (int)(Bytes.Next(ref random) % (ulong)(json.Count - at));
                        json.InsertRange((int)(Bytes.Next(ref random) % (ulong)json.Count), json.GetRange(at, length));
                        break;
                }
            }
            if (!Try([.. json], 72))
                refused++;
        }

        // Most edits must do damage, or the test tests nothing.
        Assert.InRange(refused, rounds / 2, rounds);
    }

    [Fact]
    public void Parse_DeepNesting_IsTheNamedException()
    {
        foreach (var open in new[] { "{\"a\":", "[" })
        {
            var deep = "{\"t\":{\"extra\":" + string.Concat(Enumerable.Repeat(open, 10_000));
            Assert.False(Try(System.Text.Encoding.UTF8.GetBytes(deep), 0));
        }
    }

    [Fact]
    public void Parse_ManyDims_CountsThemWithoutOverflow()
    {
        var ones = string.Join(",", Enumerable.Repeat("1", 100_000));
        var twos = string.Join(",", Enumerable.Repeat("2", 100_000));
        Assert.True(Try(System.Text.Encoding.UTF8.GetBytes(Bytes.Header(Bytes.Tensor("t", "U8", $"[{ones}]", 0, 1))), 1));
        Assert.False(Try(System.Text.Encoding.UTF8.GetBytes(Bytes.Header(Bytes.Tensor("t", "U8", $"[{twos}]", 0, 1))), 1));
    }

    private static bool Try(byte[] json, long dataBytes)
    {
        var fileBytes = SafetensorsHeader.PrefixBytes + json.Length + dataBytes;
        try
        {
            var header = SafetensorsHeader.Parse("fuzz", json, fileBytes);
            long end = SafetensorsHeader.PrefixBytes + json.Length;
            foreach (var tensor in header.Tensors)
            {
                Assert.Equal(end, tensor.OffsetBytes);
                end += tensor.LengthBytes;
            }
            Assert.Equal(fileBytes, end);
            return true;
        }
        catch (CheckpointFormatException e)
        {
            Assert.DoesNotContain('\n', e.Message);
            return false;
        }
    }
}
