using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What no machine of this size can run, told before anything is allocated or written: a bound from below, where <see cref="MemoryPlan"/> gives the exact peak.</summary>
internal static class MachineLimits
{
    // More threads than cores gain nothing, but tests and trials share few cores among many ranks. The second is for machines of many cores.
    private const int Threads = 1024;
    private const int ThreadsPerCore = 16;

    // Of a bfloat16 or half: the narrowest activation.
    private const int ActivationBytes = 2;

    /// <summary>Refuses a run whose ranks on this machine need more threads or memory than there can be.</summary>
    /// <param name="run">The run.</param>
    /// <param name="worker">How this process was started as one rank of several; null where all ranks are its threads.</param>
    /// <exception cref="ConfigurationException">The run is too large for this machine.</exception>
    public static void Check(RunConfiguration run, WorkerEnvironment? worker)
    {
        var ranks = worker?.LocalWorldSize ?? run.Ranks;
        CheckThreads(ranks, run.ThreadsPerRank, Environment.ProcessorCount);
        CheckMemory(run, ranks, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    internal static void CheckThreads(int ranks, int threadsPerRank, int cores)
    {
        var most = Math.Max(Threads, ThreadsPerCore * (long)cores);
        if ((long)ranks * threadsPerRank is var threads && threads > most)
        {
            throw new ConfigurationException(
                $"'ranks' {ranks} on this machine x 'threads_per_rank' {threadsPerRank} = {threads} threads, more than the {most} that {cores} cores can serve; lower either");
        }
    }

    // Over all ranks each weight is there at least once, in fp32, and each rank keeps the input of every block and the logits of its micro-batch.
    internal static void CheckMemory(RunConfiguration run, int ranksHere, long machineBytes)
    {
        var model = run.Model;
        var weights = sizeof(float) * RunParts.Model(run, exactGelu: false).CountParameters() * ranksHere / run.Ranks;
        var tokens = (Int128)run.MicroBatchSize * run.Data.SequenceLength;
        var activations = ActivationBytes * tokens * (model.VocabularySize + ((Int128)model.Layers * model.Embedding)) * ranksHere;
        if (weights + activations <= machineBytes)
            return;
        throw new ConfigurationException(
            $"the run needs more than the {Show(machineBytes)} of this machine: at least {Show(weights)} for its weights and {Show(activations)} for the activations of "
            + $"{ranksHere} {(ranksHere == 1 ? "rank" : "ranks")} with {tokens} tokens each ('model.n_layer' {model.Layers}, 'model.n_embd' {model.Embedding}, 'model.vocab_size' "
            + $"{model.VocabularySize}, 'model.n_positions' {model.Positions}, 'train_micro_batch_size_per_gpu' {run.MicroBatchSize}, 'data.seq_len' {run.Data.SequenceLength}); "
            + "lower what is too large; netzero plan says what a size takes");
    }

    // What cannot be counted was refused with the configuration; a sum over ranks may still be larger.
    private static string Show(Int128 bytes) => ByteSize.Show((long)Int128.Min(bytes, long.MaxValue));
}
