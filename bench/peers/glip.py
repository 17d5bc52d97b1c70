"""The second GLIP, in PyTorch, as a player of glip.ts: glip.py FOLDER CHECKPOINT, where FOLDER holds glip_torch.py and cases.py.

Writes the checkpoint, says {"ready": true}, and answers each line "DEFORM TOKENS THREADS" with the seconds of one forward pass and selection."""
import json
import os
import sys
import time

sys.path.insert(0, sys.argv[1])
import cases
import glip_torch as G
import numpy as np
import torch

model = cases.formula_model("glip-t", 0)
if not os.path.exists(sys.argv[2]):
    torch.save({"model": {"module." + k: v for k, v in model.state_dict().items()}}, sys.argv[2])
rng = np.random.default_rng(0)
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    deform, tokens, threads = line.split()
    torch.set_num_threads(int(threads))
    G.DyConv.deform = staticmethod(G.DEFORM[deform])
    image = cases.to_input(rng.integers(0, 256, (480, 640, 3), np.uint8))
    ids = torch.from_numpy(rng.integers(1000, 30000, (1, int(tokens))))
    began = time.perf_counter()
    with torch.no_grad():
        trace = G.Trace(keep=False)
        model(image, ids, torch.ones_like(ids), trace)
        G.select(trace, {1: [1], 2: [3], 3: [5, 6], 4: [8, 9]}, (480, 640))
    print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
