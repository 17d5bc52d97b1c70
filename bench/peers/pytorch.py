"""PyTorch as a player of the benchmark (see ../player.ts): pytorch.py CASE THREADS."""
import json
import resource
import sys
import time

began = time.perf_counter()
try:
    import torch
    import torchvision
    from torch import nn
    from torchvision.models.swin_transformer import SwinTransformerBlock
except ImportError as error:
    print(json.dumps({"absent": str(error)}))
    sys.exit()

torch.manual_seed(1)
torch.set_num_threads(int(sys.argv[2]))


class Pyramid(nn.Module):
    """The pyramid with two more levels that GLIP has, and a head of two convolutions."""

    def __init__(self):
        super().__init__()
        extra = torchvision.ops.feature_pyramid_network.LastLevelP6P7(64, 64)
        self.neck = torchvision.ops.FeaturePyramidNetwork([64, 64, 64], 64, extra)
        self.head = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1))

    def forward(self, *maps):
        levels = self.neck({str(i): x for i, x in enumerate(maps)})
        return [self.head(x) for x in levels.values()]


def transformer():
    layers = [nn.TransformerEncoderLayer(384, 6, 1536, 0.0, "gelu", batch_first=True) for _ in range(6)]
    return nn.Sequential(*layers), [torch.rand(8, 128, 384)]


def swin():
    blocks = [SwinTransformerBlock(96, 3, [7, 7], [shift, shift]) for shift in (0, 3, 0, 3)]
    return nn.Sequential(*blocks), [torch.rand(4, 56, 56, 96)]


def pyramid():
    return Pyramid(), [torch.rand(8, 64, s, s) for s in (64, 32, 16)]


def deformable():
    sizes = (256, 18, 9)
    x, offset, mask = (torch.rand(1, c, 100, 100) * 2 - 1 for c in sizes)
    return torchvision.ops.DeformConv2d(256, 256, 3, padding=1), [x, offset, mask]


model, inputs = {"transformer": transformer, "swin": swin, "pyramid": pyramid, "deformable": deformable}[sys.argv[1]]()


def forward():
    model.eval()
    with torch.inference_mode():
        model(*inputs)


def train():
    model.train()
    for p in model.parameters():
        p.grad = None
    given = [x.detach().requires_grad_() for x in inputs]
    found = model(*given)
    found = found if isinstance(found, (list, tuple)) else [found]
    sum((y * y).mean() for y in found).backward()


forward()
print(json.dumps({"startUp": (time.perf_counter() - began) * 1000}), flush=True)
for line in sys.stdin:
    if line.strip() == "memory":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        continue
    start = time.perf_counter()
    (train if line.strip() == "train" else forward)()
    print((time.perf_counter() - start) * 1000, flush=True)
