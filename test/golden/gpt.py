"""Writes gpt.safetensors beside itself, from PyTorch 2 and safetensors (both on PyPI).  usage: python3 gpt.py

A four-layer GPT in f64, the network of examples/gpt.h, and what PyTorch makes of it: parameters, two batches of tokens
(`tokens`, `targets` [2,6]), `logits`, the gradient of the cross-entropy by each parameter (`grad.NAME`) and the losses of
ten steps of AdamW, lr 1e-2, weight decay 0.1."""
import os
import torch
from torch import nn
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
VOCABULARY, CONTEXT, WIDTH, HEADS, LAYERS = 11, 7, 8, 2, 4
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(CONTEXT, WIDTH))
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, dropout=0, activation='gelu', batch_first=True, norm_first=True)
            for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        for p in self.parameters():  # biases and norms too
            nn.init.normal_(p, 1. if p is self.norm.weight else 0., .3)

    def forward(self, tokens):
        n = tokens.shape[1]
        mask = torch.full((n, n), float('-inf')).triu(1)
        x = self.tokens(tokens) + self.positions[:n]
        for block in self.blocks:
            x = block(x, src_mask=mask)
        return self.head(self.norm(x))


net = GPT()
tokens, targets = torch.randint(VOCABULARY, (2, 6)), torch.randint(VOCABULARY, (2, 6))
out = {'tokens': tokens, 'targets': targets}
out.update((name, p.detach().clone()) for name, p in net.named_parameters())
optimizer = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=.1)
losses = []
for step in range(10):
    optimizer.zero_grad()
    logits = net(tokens)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    loss.backward()
    losses.append(loss.detach())
    if step == 0:
        out['logits'] = logits.detach().clone()
        out.update(('grad.' + name, p.grad.clone()) for name, p in net.named_parameters())
    optimizer.step()
out['losses'] = torch.stack(losses)
save_file({name: t.contiguous() for name, t in out.items()}, os.path.join(HERE, 'gpt.safetensors'))
print('losses', [float(v) for v in losses])
