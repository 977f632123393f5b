"""Writes norms.jsonl.gz beside itself: normalisation, images resized and sampled, rotary positions, sparse products.
usage: python3 norms.py, with torch 2"""
import itertools, os
import torch
from cases import case, write

torch.manual_seed(11)
F = 'nn.functional.'
none = dict(second=False)


def r(*shape, scale=1.0):
    return (scale * torch.randn(shape)).requires_grad_()


def c(*shape):
    return torch.rand(shape) + 0.5


# normalisation
for shape in [(6, 3), (2, 3, 4), (3, 2, 2, 3), (2, 2, 1, 2, 3), (2, 4, 17)]:
    k = shape[1]
    for training in (True, False):
        case(F + 'batch_norm', r(*shape), c(k), c(k), r(k), r(k), training, -1.2, 0.3)
        case(F + 'batch_norm', r(*shape), c(k), c(k), None, r(k), training=training, momentum=0.0, **none)
    case(F + 'batch_norm', r(*shape), None, None, r(k), None, True, 0.1, 1e-9)
    if len(shape) > 2:
        case(F + 'instance_norm', r(*shape), c(k), c(k), r(k), r(k), True, -1.2, 0.1)
        case(F + 'instance_norm', r(*shape), None, None, r(k), **none)
        case(F + 'instance_norm', r(*shape), c(k), c(k), None, r(k), use_input_stats=False, **none)
case(F + 'batch_norm', r(0, 3), c(3), c(3), training=True)
case(F + 'batch_norm', r(1, 3), c(3), c(3))
case(F + 'batch_norm', (100 + torch.randn(4, 2, 3)).requires_grad_(), None, None, training=True, second=False)
for shape, groups in [((2, 6), 3), ((2, 6, 4), 1), ((2, 6, 2, 3), 6), ((1, 4, 1, 2, 3), 2)]:
    case(F + 'group_norm', r(*shape), groups, r(shape[1]), r(shape[1]), 0.2)
    case(F + 'group_norm', r(*shape), groups, None, r(shape[1]))
    case(F + 'group_norm', r(*shape), groups, eps=-0.05)
case(F + 'layer_norm', r(3, 4), (4,), r(4), None, 0.0)
case(F + 'layer_norm', r(3, 4), (4,), eps=-0.9, **none)
for size, shape in itertools.product((1, 2, 3, 6), [(2, 5, 3), (1, 4, 2, 3)]):
    case(F + 'local_response_norm', r(*shape), size)
    case(F + 'local_response_norm', r(*shape), size, 0.5, 0.3, 0.0 if size > 2 else 2.0)
for p in (0.5, 1.0, 2.0, 3.0, float('inf'), 0.0, -1.0):
    case(F + 'normalize', r(3, 4), p, 0)
    case(F + 'normalize', r(2, 3, 4), p, -1, 3.0)
case(F + 'normalize', r(2, 3, 4), 2.0, (0, 2))
case(F + 'normalize', torch.tensor([[0.0, 0, 0], [1, 2, 2]]).requires_grad_(), **none)
for a, b, dim, eps in [((3, 4), (3, 4), 1, 1e-8), ((3, 4), (4,), 0, 1e-8), ((2, 1, 3), (2, 3), -1, 0.5), ((4,), (4,), 0, 9.0)]:
    case(F + 'cosine_similarity', r(*a), r(*b), dim, eps)
case(F + 'cosine_similarity', torch.zeros(2, 3).requires_grad_(), r(2, 3), **none)

# images
sizes = [(4, 7), (7, 4), (5, 5), (1, 3), (9, 2)]
for n, m in sizes:
    for mode in ('nearest', 'nearest-exact', 'area', 'linear'):
        case(F + 'interpolate', r(2, 2, n), m, mode=mode, **none)
    case(F + 'interpolate', r(1, 2, n, m), (m, n), mode='bilinear')
    for mode, corners, filtered in itertools.product(('bilinear', 'bicubic'), (True, False), (True, False)):
        case(F + 'interpolate', r(1, 1, n, m), (m, n), mode=mode, align_corners=corners, antialias=filtered, **none)
    for corners in (True, False):
        case(F + 'interpolate', r(1, 1, n, 2, m), (m, 3, n), mode='trilinear', align_corners=corners, **none)
for factor, again in itertools.product((0.4, 1.2, 2.6), (None, True)):
    for mode in ('nearest', 'nearest-exact', 'area', 'bilinear', 'bicubic'):
        if factor == 1.2 and mode.startswith('nearest') and not again:
            continue  # PyTorch's own forward and backward do not agree on which element is taken
        case(F + 'interpolate', r(1, 1, 4, 5), None, factor, mode, recompute_scale_factor=again, **none)
    case(F + 'interpolate', r(1, 1, 6, 5), None, [factor, 1.3], 'bicubic', False, again, True, **none)
modes, paddings = ('bilinear', 'nearest', 'bicubic'), ('zeros', 'border', 'reflection')
for mode, padding, corners in itertools.product(modes, paddings, (True, False)):
    for images, grid in [((2, 2, 3, 4), (2, 3, 2, 2)), ((1, 1, 1, 3), (1, 2, 3, 2)), ((1, 1, 3, 2, 4), (1, 2, 2, 2, 3))]:
        if not (mode == 'bicubic' and len(images) == 5):
            case(F + 'grid_sample', r(*images), r(*grid, scale=1.3), mode, padding, corners, **none)
    edges = torch.tensor([-7.3, -3, -1, 0.0, 0.6, 1, 7.2])
    at = torch.stack(torch.meshgrid(edges, edges + 0.01, indexing='ij'), -1)[None].requires_grad_()
    case(F + 'grid_sample', r(1, 1, 3, 4), at, mode, padding, corners, **none)
for corners in (True, False):
    case(F + 'affine_grid', r(2, 2, 3), [2, 1, 3, 4], corners)
    case(F + 'affine_grid', r(1, 3, 4), [1, 2, 2, 1, 3], corners)
    case(F + 'affine_grid', r(1, 2, 3), [1, 1, 1, 5], corners)
case(F + 'channel_shuffle', r(2, 6, 2, 1), 3, of=lambda x, g: x.reshape(2, g, 2, 2, 1).transpose(1, 2).reshape(2, 6, 2, 1))


# rotary positions, by complex numbers; sparse products
def rope(x, interleaved, base, start, width, positions=None):
    n = x.shape[-2]
    at = torch.arange(n) if positions is None else positions
    angle = (at + start)[:, None] * base ** (-torch.arange(0, width, 2) / width)
    part = x[..., :width]
    a, b = (part[..., ::2], part[..., 1::2]) if interleaved else part.split(width // 2, -1)
    z = torch.complex(a, b) * torch.polar(torch.ones_like(angle), angle)
    pair = (z.real, z.imag)
    done = torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1)
    return torch.cat((done, x[..., width:]), -1)


torch.rope = rope
for interleaved in (True, False):
    case('rope', r(2, 3, 5, 8), interleaved, 10000.0, 0, 8)
    case('rope', r(4, 6), interleaved, 50.0, 7, 4)
    case('rope', r(3, 6), interleaved, 10000.0, 1, 6, torch.tensor([5, 0, 1000]))


def sparse_mm(crow, col, values, dense):
    row = torch.arange(len(crow) - 1).repeat_interleave(crow.diff())
    return torch.zeros(len(crow) - 1, len(dense)).index_put((row, col), values) @ dense


for m, n, k in [(3, 4, 2), (5, 2, 20), (1, 6, 1)]:
    mask = torch.rand(m, n) < 0.6
    crow = torch.cat((torch.zeros(1, dtype=torch.long), mask.sum(1).cumsum(0)))
    case('sparse.mm', crow, mask.nonzero()[:, 1], r(int(mask.sum())), r(n, k), of=sparse_mm)
    case('sparse.mm', crow, mask.nonzero()[:, 1], r(int(mask.sum())), r(n), of=sparse_mm)

write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'norms.jsonl.gz'))
