"""A PyTorch training step to be timed in turn with ours.

usage: peer_torch.py CASE WEIGHTS THREADS VARIANT LABEL

WEIGHTS is a safetensors file with the parameters under PyTorch's names and the batch as "x" and "y". Says
"ready LOSS NAME" after 20 steps, then answers each line with a number of seconds on its input by the seconds of one step:
CPU time with one thread, else elapsed time. VARIANT is the optimizer's: plain, foreach or fused.
"""
import json
import struct
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

case, path, threads, variant, label = sys.argv[1:6]
torch.set_num_threads(int(threads))
clock = time.process_time if threads == "1" else time.perf_counter


def load(path):
    types = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    tensors = {}
    for name, t in header.items():
        if name != "__metadata__":
            start, end = t["data_offsets"]
            raw = torch.frombuffer(bytearray(data[start:end]), dtype=types[t["dtype"]])
            tensors[name] = raw.reshape(t["shape"]).clone()
    return tensors


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            mask = torch.full((length, length), float("-inf")).triu(1)
            y = F.softmax(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5 + mask, -1) @ v
        return self.out_proj(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        x = x + self.self_attn(self.norm1(x))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, layers, heads, width, length, vocabulary):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(length, width))
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions))).flatten(0, 1)


def mlp(*widths):
    parts = []
    for i in range(len(widths) - 1):
        parts += ([nn.ReLU()] if i else []) + [nn.Linear(widths[i], widths[i + 1])]
    return nn.Sequential(*parts)


def optimizer(kind, net, **settings):
    if variant != "plain":
        settings[variant] = True
    try:
        return kind(net.parameters(), **settings)
    except (TypeError, RuntimeError):
        sys.exit(1)  # this PyTorch has no such variant


def training_step():
    data = load(path)
    x, y = data.pop("x"), data.pop("y")
    nets = {
        "xor": lambda: mlp(2, 3, 1),
        "mlp128": lambda: mlp(784, 128, 10),
        "mlp512": lambda: mlp(784, 512, 512, 10),
        "gpt_tiny": lambda: GPT(4, 4, 128, 128, 256),
        "gpt_small": lambda: GPT(6, 6, 384, 256, 256),
    }
    net = nets[case]()
    net.load_state_dict(data)
    if case.startswith("gpt"):
        opt = optimizer(torch.optim.AdamW, net, lr=3e-4)
    elif case == "mlp512":
        opt = optimizer(torch.optim.Adam, net, lr=1e-3)
    else:
        opt = optimizer(torch.optim.SGD, net, lr=0.1)
    loss_of = F.mse_loss if case == "xor" else F.cross_entropy

    def step():
        opt.zero_grad(set_to_none=True)
        loss = loss_of(net(x), y)
        loss.backward()
        opt.step()
        return loss

    return step, 1


def operation_chain():
    one, factor = torch.tensor(0.5, requires_grad=True), torch.tensor(0.999, requires_grad=True)

    def step():
        one.grad = factor.grad = None
        v = one
        for _ in range(500):
            v = (v + factor) * factor
        v.backward()
        return v

    return step, 1000


step, per_step = operation_chain() if case == "op1" else training_step()
for _ in range(20):
    loss = step()
print(f"ready {loss.item():.9g} PyTorch {torch.__version__}, {label}, {variant}", flush=True)

steps = 1
for line in sys.stdin:
    duration = float(line)
    while True:
        began = clock()
        for _ in range(steps):
            step()
        taken = clock() - began
        if taken > duration / 2 or steps > 1_000_000:
            break
        steps *= 2
    print(taken / steps / per_step, flush=True)
    if taken > 2 * duration and steps > 1:
        steps //= 2
