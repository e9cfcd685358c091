using NetZero.Planning;

namespace NetZero.Cli;

/// <summary>A prediction as one JSON object on one line.</summary>
internal static class ClusterPlanJson
{
    public static void Write(TextWriter output, ClusterPlan plan, IReadOnlyList<Change> changes) => JsonLine.Write(output, json =>
    {
        json.WriteString("model", plan.Run.Model.Name);
        json.WriteNumber("parameters", plan.Run.Model.Parameters);
        json.WriteString("cluster", plan.Cluster.Name);
        json.WriteNumber("devices", plan.Run.Layout.Ranks);
        json.WriteNumber("step_seconds", plan.Time.StepSeconds);
        json.WriteNumber("tokens_per_second", plan.TokensPerSecond);
        json.WriteNumber("tokens_per_second_per_device", plan.Time.TokensPerSecondPerDevice);
        json.WriteNumber("mfu", plan.Time.Mfu);
        json.WriteBoolean("fits", plan.Fits);
        json.WriteString("limited_by", plan.LimitedBy);
        if (plan.Failures is { } failures)
        {
            json.WriteNumber("checkpoint_interval_seconds", failures.DalySeconds);
            json.WriteNumber("goodput", failures.Share(failures.DalySeconds));
        }

        json.WriteStartObject("seconds");
        foreach (var (name, seconds) in ClusterPlanText.Parts(plan.Time))
            json.WriteNumber(name, seconds);
        json.WriteEndObject();
        json.WriteStartObject("peak_bytes");
        foreach (var (name, bytes) in ClusterPlanText.Kinds(plan.Memory))
            json.WriteNumber(name, (long)bytes);
        json.WriteNumber("total", (long)plan.Memory.Total);
        json.WriteEndObject();
        json.WriteStartArray("changes");
        foreach (var change in changes)
        {
            json.WriteStartObject();
            json.WriteString("what", change.What);
            json.WriteNumber("tokens_per_second_per_device", change.Plan.Time.TokensPerSecondPerDevice);
            json.WriteNumber("peak_bytes", (long)change.Plan.Memory.Total);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
