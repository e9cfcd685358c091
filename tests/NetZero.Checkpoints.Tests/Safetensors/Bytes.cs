using System.Buffers.Binary;
using System.Text;

namespace NetZero.Checkpoints.Tests;

/// <summary>Safetensors files made by hand, so that the reader is tested against the format and not against the writer.</summary>
internal static class Bytes
{
    public static byte[] File(string header, int dataBytes) => File(Encoding.UTF8.GetBytes(header), new byte[dataBytes]);

    public static byte[] File(byte[] header, byte[] data)
    {
        var file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)header.Length);
        header.CopyTo(file, 8);
        data.CopyTo(file, 8 + header.Length);
        return file;
    }

    /// <summary>A header with a piece of JSON for each tensor.</summary>
    public static string Header(params string[] tensors) => "{" + string.Join(",", tensors) + "}";

    public static string Tensor(string name, string dtype, string shape, long begin, long end) =>
        $$"""
        "{{name}}":{"dtype":"{{dtype}}","shape":{{shape}},"data_offsets":[{{begin}},{{end}}]}
        """;

    /// <summary>A scalar xorshift, so that drills are the same on every machine and runtime.</summary>
    public static ulong Next(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
}
