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
        .forward { fill: #4ac26b; } .backward { fill: #d4622a; } .recompute { fill: #d4a72c; } .update { fill: #8250df; }
        .curve { fill: none; stroke-width: 2; } .weak { stroke: #1f6feb; } .strong-scaling { stroke: #d4622a; } .share { stroke: #bf3989; } path.share { stroke-dasharray: 5 4; }
        .dot { fill: #afb8c1; } .front { fill: #1f6feb; } .limit { stroke: #cf222e; stroke-dasharray: 6 4; fill: none; } .tight { fill: none; stroke: #cf222e; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3; } .page { fill: #0d1117; } .grid { stroke: #30363d; } .phase { stroke: #7d8590; }
          .peak, .measured { stroke: #e6edf3; }
          .parameter { fill: #388bfd; } .optimizer { fill: #a371f7; } .gradient { fill: #db6d28; } .gathered { fill: #79c0ff; }
          .activation { fill: #3fb950; } .workspace { fill: #6e7681; } .communication { fill: #db61a2; }
          .forward { fill: #3fb950; } .backward { fill: #db6d28; } .recompute { fill: #d29922; } .update { fill: #a371f7; }
          .weak { stroke: #388bfd; } .strong-scaling { stroke: #db6d28; } .share { stroke: #db61a2; } .dot { fill: #6e7681; } .front { fill: #388bfd; }
          .limit, .tight { stroke: #f85149; }
        }
        </style>
        """;
}
