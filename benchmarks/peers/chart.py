#!/usr/bin/env python3
"""chart.py RESULTS.jsonl OUT.svg: NetZero beside PyTorch and the FMA peak, from what compare.py wrote: medians over runs. Readable in light and dark."""
import json, statistics, sys

ROWS = [
    ("small, 2 ranks x 1 thread", "small-ranks"), ("small, 1 rank x 2 threads", "small-threads"), ("small, 1 rank x 1 thread", "small-one"),
    ("gpt2, 2 ranks x 1 thread", "gpt2-ranks"), ("gpt2, 1 rank x 2 threads", "gpt2-threads"), ("gpt2, 1 rank x 1 thread", "gpt2-one"),
]
LEFT, SCALE, BAR, GAP, TOP = 190, 440, 16, 12, 62

runs = [json.loads(line) for line in open(sys.argv[1])]


def bars(work):
    """(label, class, GFLOP/s) of each program, and the FMA peak."""
    mine = [run for run in runs if run["work"] == work]
    found = [("PyTorch", "peer", statistics.median(run["gflops"] for run in mine if run["program"] != "NetZero"))]
    stages = sorted({run["stage"] for run in mine if run["program"] == "NetZero"})
    for stage in stages:
        label = f"NetZero, stage {stage}" if len(stages) > 1 else "NetZero"
        found.append((label, "own", statistics.median(run["gflops"] for run in mine if run.get("stage") == stage)))
    return found, statistics.median(run["fma_peak_gflops"] for run in mine if "fma_peak_gflops" in run)


body, y = [], TOP
for title, work in ROWS:
    if not any(run["work"] == work for run in runs):
        continue
    found, peak = bars(work)
    body.append(f'<text x="{LEFT - 12}" y="{y + BAR * len(found) / 2 + 4:.0f}" text-anchor="end">{title}</text>')
    for label, kind, gflops in found:
        width = SCALE * gflops / peak
        body.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}"/>')
        body.append(f'<text class="bar" x="{LEFT + 6}" y="{y + BAR - 5}">{label}: {gflops:.0f} GFLOP/s, {gflops / peak:.0%}</text>')
        y += BAR
    y += GAP
bottom = y - GAP + 4
width, height = LEFT + SCALE + 40, bottom + 26
svg = f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="Training steps of NetZero and PyTorch as shares of the FMA peak">
<style>
text {{ font: 12px system-ui, sans-serif; fill: #24292f }} .value {{ font-size: 11px }} .bar {{ font-size: 11px; fill: #ffffff }} .title {{ font-size: 14px; font-weight: 600 }}
.own {{ fill: #1f6feb }} .peer {{ fill: #7d7064 }} .limit {{ stroke: #cf222e; stroke-dasharray: 4 3 }} .page {{ fill: #ffffff }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .bar {{ fill: #ffffff }} .page {{ fill: #0d1117 }} .limit {{ stroke: #ff7b72 }} }}
</style>
<rect class="page" width="{width}" height="{height}"/>
<text class="title" x="12" y="22">Training steps on two cores: share of the FMA peak</text>
<text x="12" y="42" class="value">fp32, AdamW; FLOPs 6 N + 12 L C T a token; the dashed line is the peak measured in the same run</text>
{chr(10).join(body)}
<line class="limit" x1="{LEFT + SCALE}" y1="{TOP - 8}" x2="{LEFT + SCALE}" y2="{bottom}"/>
<text class="value" x="{LEFT + SCALE}" y="{bottom + 16}" text-anchor="middle">FMA peak</text>
</svg>
'''
with open(sys.argv[2], "w") as out:
    out.write(svg)
