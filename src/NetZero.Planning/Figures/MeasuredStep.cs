using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>One step of a traced run, event by event as its plan declares them.</summary>
/// <param name="Milliseconds">When each event ended, from the beginning of the step.</param>
/// <param name="Live">What lived on the rank after each event.</param>
public sealed record MeasuredStep(IReadOnlyList<double> Milliseconds, IReadOnlyList<KindBytes> Live);
