namespace NetZero.Planning;

/// <summary>The look of figures: the same colours for the same kinds everywhere, in a light and a dark scheme.</summary>
internal static class FigureStyle
{
    public const string Css = """
        <style>
        text { font: 12px "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; fill: #24292f; }
        .title { font-size: 15px; font-weight: 600; } .strong { font-weight: 600; } .small { font-size: 11px; }
        .middle { text-anchor: middle; } .end { text-anchor: end; }
        .page { fill: #ffffff; } .grid { stroke: #d8dee4; fill: none; } .phase { stroke: #8c959f; stroke-dasharray: 2 3; fill: none; }
        .peak { stroke: #24292f; stroke-dasharray: 6 4; fill: none; } .measured { stroke: #24292f; stroke-width: 1.8; fill: none; }
        .parameter { fill: #1f6feb; } .optimizer { fill: #8250df; } .gradient { fill: #d4622a; } .gathered { fill: #54aeff; }
        .activation { fill: #4ac26b; } .workspace { fill: #afb8c1; } .communication { fill: #bf3989; } .compute { fill: #8c959f; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3; } .page { fill: #0d1117; } .grid { stroke: #30363d; } .phase { stroke: #7d8590; }
          .peak, .measured { stroke: #e6edf3; }
          .parameter { fill: #388bfd; } .optimizer { fill: #a371f7; } .gradient { fill: #db6d28; } .gathered { fill: #79c0ff; }
          .activation { fill: #3fb950; } .workspace { fill: #6e7681; } .communication { fill: #db61a2; }
        }
        </style>
        """;
}
