using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>What a program's speed is counted by.</summary>
/// <param name="MicroBatchTokens">Tokens of a micro-batch on one rank.</param>
/// <param name="FlopsPerToken">Model FLOP of training on one token; see <see cref="TrainingFlops.PerToken"/>.</param>
/// <param name="ThreadsPerRank">Threads of each rank.</param>
/// <param name="DType">The type that it computes in, whose nominal FLOP/s MFU is relative to.</param>
public readonly record struct ProgramSize(int MicroBatchTokens, double FlopsPerToken, int ThreadsPerRank = 1, DType DType = DType.F32);
