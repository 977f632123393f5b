"""Writes networks/ beside itself: small networks at random, trained for ten steps by PyTorch in f64 (needs torch, numpy
and safetensors from PyPI). Running it again writes the same bytes.
usage: python3 networks.py [COUNT [FOLDER]]

networks.tsv has a line for each: file, layers, loss, optimizer, in the words that test_networks.c reads. "[ ... ]" is
x + (...)(x). Losses and optimizers each come in turn, in an order of their own, so that COUNT 10, the default, has all.
The file holds the initial weights under PyTorch's names, their first gradients under "grad.NAME", "input", "target",
what weights the loss as "loss.weight" and "loss.pos_weight", and "losses": before the first step and after each."""
import os
import random
import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

STEPS = 10
ROWS = 13  # odd: then signs never sum to a zero that is only rounding, which Adam would magnify
ACTIVATIONS = 'ReLU', 'Tanh', 'Sigmoid', 'Softplus', 'LeakyReLU', 'SiLU', 'GELU'
LOSSES = [
    'cross_entropy',
    'cross_entropy label_smoothing=0.1 weighted',
    'cross_entropy ignore=1 reduction=sum',
    'cross_entropy probabilities',
    'nll_loss ignore=0 weighted',
    'mse_loss',
    'mse_loss reduction=sum',
    'bce_with_logits weighted pos_weighted',
    'l1_loss',
    'huber_loss delta=0.5',
]
OPTIMIZERS = [
    'sgd lr=0.05',
    'sgd lr=0.02 momentum=0.9',
    'sgd lr=0.02 momentum=0.8 nesterov=1 weight_decay=0.1',
    'sgd lr=0.02 momentum=0.9 dampening=0.3 weight_decay=0.1',
    'adam',
    'adam lr=0.01 beta1=0 beta2=0.9',
    'adam lr=0.02 beta1=0.8 beta2=0.99 eps=0.001 weight_decay=0.1',
    'adam lr=0.02 weight_decay=0.1 amsgrad=1',
    'adamw lr=0.02',
    'adamw lr=0.02 weight_decay=0.1 amsgrad=1',
]


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def residual(width, chance):
    inner = residual(width, chance) if chance.random() < 0.4 else []
    return ['[', f'Linear:{width}:{width}', chance.choice(ACTIVATIONS), *inner, ']']


def draw(loss, chance):
    """The shape of a row, layers as words, the shape of a row's output."""
    shape = first = chance.choice([(5,), (8,), (3, 4), (5, 3)])
    outputs = chance.choice([3, 4])
    words, hidden = [], chance.randint(1, 3)
    flat = chance.randint(0, hidden)  # where a matrix of each sample becomes a vector
    for layer in range(hidden + 1):
        if layer == flat and len(shape) > 1:
            words.append('Flatten')
            shape = (shape[0] * shape[1],)
        if layer == hidden:
            break
        width = chance.choice([4, 6, 7])
        bias = chance.choice(['', '', ':no_bias'])
        words += [f'Linear:{shape[-1]}:{width}{bias}', chance.choice(ACTIVATIONS)]
        shape = (*shape[:-1], width)
        if chance.random() < 0.5:
            words += residual(width, chance)
        if chance.random() < 0.3:
            words.append('Dropout:0.4')
    words.append(f'Linear:{shape[-1]}:{outputs}')
    if loss.startswith('nll'):
        words.append('LogSoftmax')
    return first, words, outputs


def build(words):
    levels = [[]]
    for word in words:
        kind, *args = word.split(':')
        if kind == '[':
            levels.append([])
        elif kind == ']':
            body = levels.pop()
            levels[-1].append(Residual(nn.Sequential(*body)))
        elif kind == 'Linear':
            levels[-1].append(nn.Linear(int(args[0]), int(args[1]), bias=args[2:] != ['no_bias']))
        elif kind == 'LogSoftmax':
            levels[-1].append(nn.LogSoftmax(-1))
        else:
            levels[-1].append(getattr(nn, kind)(*map(float, args)))
    return nn.Sequential(*levels[0])


def settings(words):
    return {key: value for key, _, value in (word.partition('=') for word in words)}


def criterion(loss, outputs):
    """The loss as a function of output and target, a target, and the tensors that weight it."""
    kind, *words = loss.split()
    options = settings(words)
    extra = {}
    if 'weighted' in options:
        extra['weight'] = torch.rand(outputs) + 0.5
    if 'pos_weighted' in options:
        extra['pos_weight'] = torch.rand(outputs) + 0.5
    named = dict(extra, reduction=options.get('reduction', 'mean'))
    if kind in ('cross_entropy', 'nll_loss'):
        target = torch.randint(outputs, (ROWS,))
        if 'probabilities' in options:
            target = torch.softmax(torch.randn(ROWS, outputs), 1)
        if 'ignore' in options:
            named['ignore_index'] = int(options['ignore'])
        if kind == 'cross_entropy':
            named['label_smoothing'] = float(options.get('label_smoothing', 0))
    else:
        target = torch.rand(ROWS, outputs) if kind == 'bce_with_logits' else torch.randn(ROWS, outputs)
        if 'delta' in options:
            named['delta'] = float(options['delta'])
    function = getattr(F, 'binary_cross_entropy_with_logits' if kind == 'bce_with_logits' else kind)
    return lambda y: function(y, target, **named), target, extra


def optimizer(words, parameters):
    kind, *words = words.split()
    named = {key: float(value) for key, value in settings(words).items()}
    if 'beta1' in named:
        named['betas'] = named.pop('beta1'), named.pop('beta2')
    for flag in 'nesterov', 'amsgrad':
        if flag in named:
            named[flag] = bool(named[flag])
    return {'sgd': torch.optim.SGD, 'adam': torch.optim.Adam, 'adamw': torch.optim.AdamW}[kind](parameters, **named)


def train(loss, words, chance):
    """Layers in words and what a file holds, of a network whose loss has fallen: one that diverges magnifies rounding."""
    while True:
        shape, layers, outputs = draw(loss, chance)
        net = build(layers).eval()
        of, target, extra = criterion(loss, outputs)
        x = torch.randn(ROWS, *shape)
        named = dict(net.named_parameters())
        held = {name: p.detach().clone() for name, p in named.items()}
        opt = optimizer(words, named.values())
        seen = []
        for step in range(STEPS + 1):
            opt.zero_grad()
            value = of(net(x))
            value.backward()
            seen.append(value.item())
            if step == 0:
                held.update({f'grad.{name}': p.grad.clone() for name, p in named.items()})
            opt.step()
        if seen[-1] < seen[0]:
            held.update({f'loss.{key}': value for key, value in extra.items()})
            held.update(input=x, target=target, losses=torch.tensor(seen))
            return ' '.join(layers), held


def main(count, folder):
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(26)
    chance = random.Random(26)
    losses, optimizers = [], []
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'networks.tsv'), 'w') as table:
        for i in range(count):
            losses = losses or chance.sample(LOSSES, len(LOSSES))
            optimizers = optimizers or chance.sample(OPTIMIZERS, len(OPTIMIZERS))
            loss, words = losses.pop(), optimizers.pop()
            layers, held = train(loss, words, chance)
            save_file(held, os.path.join(folder, f'{i}.safetensors'))
            print(f'{i}.safetensors', layers, loss, words, sep='\t', file=table)


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10,
         sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'networks'))
