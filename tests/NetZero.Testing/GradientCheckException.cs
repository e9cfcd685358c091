namespace NetZero.Testing;

/// <summary>An op and its reference disagree.</summary>
public sealed class GradientCheckException(string message) : Exception(message);
