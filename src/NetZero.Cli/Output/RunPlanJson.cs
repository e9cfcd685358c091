using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The plan of a configuration as one JSON object on one line; bytes are exact.</summary>
internal static class RunPlanJson
{
    public static void Write(TextWriter output, RunConfiguration run, ProgramPlan plan, IReadOnlyList<PlannedVariant> changes) => JsonLine.Write(output, json =>
    {
        PlanJson.WritePlan(json, plan.Sharding);
        json.WriteStartArray("ranks");
        var memory = MemoryPlan.Predict(run with { MemoryBudgetBytes = 0 });
        for (var rank = 0; rank < run.Ranks; rank++)
            (memory with { Rank = rank }).WriteTo(json);
        json.WriteEndArray();
        json.WriteString("cluster", plan.Cluster.Name);
        json.WriteString("peak_moment", plan.PeakMoment);
        json.WriteNumber("rank_memory_bytes", plan.BytesOfRank);
        json.WriteBoolean("fits", plan.Fits);
        json.WriteNumber("step_seconds", plan.Time.StepSeconds);
        json.WriteNumber("tokens_per_second", plan.TokensPerSecond);
        json.WriteNumber("mfu", plan.Time.Mfu);
        json.WriteString("limited_by", plan.LimitedBy);
        json.WriteStartObject("seconds");
        foreach (var (name, seconds) in RunPlanText.Parts(plan.Time))
            json.WriteNumber(name, seconds);
        json.WriteEndObject();
        json.WriteStartArray("changes");
        foreach (var change in changes)
        {
            json.WriteStartObject();
            json.WriteString("set", change.What);
            json.WriteNumber("tokens_per_second", change.Plan.TokensPerSecond);
            json.WriteNumber("step_seconds", change.Plan.Time.StepSeconds);
            json.WriteNumber("peak_bytes", change.Plan.Sharding.Highest.Total);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
