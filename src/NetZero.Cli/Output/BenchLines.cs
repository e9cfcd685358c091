using System.Globalization;
using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary>What the verbs of <c>netzero bench</c> measured beside a limit: a table, each row as soon as it is there, or one JSON object.</summary>
internal static class BenchLines
{
    public static void WriteText(TextWriter output, IEnumerable<BenchmarkLine> lines)
    {
        output.WriteLine($"{"",-36} {"",-22} {"rate",9} {"limit",9} {"",-8} {"share",8}  of");
        foreach (var line in lines)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{line.Name,-36} {line.Work,-22} {line.Rate,9:N1} {line.Limit,9:N1} {line.Unit,-8} {line.Share,8:P1}  {line.LimitName}"));
            output.Flush();
        }
    }

    public static void WriteJson(TextWriter output, string benchmark, int threads, IEnumerable<BenchmarkLine> lines) => JsonLine.Write(output, json =>
    {
        json.WriteString("benchmark", benchmark);
        json.WriteNumber("threads", threads);
        json.WriteStartArray("lines");
        foreach (var line in lines)
        {
            json.WriteStartObject();
            json.WriteString("name", line.Name);
            json.WriteString("work", line.Work);
            JsonLine.Number(json, "rate", line.Rate);
            JsonLine.Number(json, "limit", line.Limit);
            json.WriteString("unit", line.Unit);
            json.WriteString("limit_name", line.LimitName);
            JsonLine.Number(json, "share", line.Share);
            JsonLine.Number(json, "seconds", line.Seconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
