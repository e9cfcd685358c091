#!/usr/bin/env python3
"""torch.optim.AdamW over 50 million fp32 parameters on one thread, as 50 tensors and as one: a JSON object each."""
import json, os, statistics, time

os.environ["OMP_NUM_THREADS"] = "1"
import torch

torch.set_num_threads(1)
for tensors in (50, 1):
    parameters = [torch.nn.Parameter(torch.randn(50_000_000 // tensors)) for _ in range(tensors)]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 1e-3)
    optimizer, seconds = torch.optim.AdamW(parameters, lr=1e-4), []
    for _ in range(8):
        before = time.perf_counter()
        optimizer.step()
        seconds.append(time.perf_counter() - before)
    median = statistics.median(seconds[2:])
    print(json.dumps(dict(program=f"PyTorch {torch.__version__}", tensors=tensors, seconds=median, gb_per_second=28e-9 * 50_000_000 / median)), flush=True)
    del parameters, optimizer
