"""Writes reduce.jsonl.gz beside itself: statistics, order, shapes, indices and masks by PyTorch 2, in the form of parity.h,
where test/parity_reduce.c knows more than its small samples ask: ties, NaN, infinities, zeros, corners of the options.
usage: python3 reduce.py"""
import gzip, json, math, os
import torch

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
nan, inf = math.nan, math.inf
cases = []


def number(v):
    return v.hex() if math.isfinite(v) else str(v)


def tensor(t):
    flat = t.detach().reshape(-1).tolist()
    return {'s': list(t.shape), 'd': [number(v) if t.is_floating_point() else int(v) for v in flat],
            'rg': t.requires_grad, 'dt': str(t.dtype)[6:]}


def encode(a):
    if isinstance(a, torch.Tensor):
        return tensor(a)
    if isinstance(a, (list, tuple)):
        return [encode(v) for v in a]
    return number(a) if isinstance(a, float) else a


def leaves(a):
    if isinstance(a, torch.Tensor):
        return [a] if a.requires_grad else []
    return [t for v in a for t in leaves(v)] if isinstance(a, (list, tuple)) else []


def case(op, *args, f=None, second=False, **kwargs):
    f = f or getattr(torch, op, None) or getattr(torch.Tensor, op)
    x = leaves(args) + leaves(list(kwargs.values()))
    y = f(*args, **kwargs)
    y = list(y) if isinstance(y, (list, tuple)) else [y]
    real = [t for t in y if t.requires_grad]
    g = [torch.randn_like(t) for t in real]
    gin = torch.autograd.grad(real, x, g, create_graph=True, allow_unused=True)
    c = {'op': op, 'v': '', 'i': sum(op == other['op'] for other in cases), 'args': encode(args),
         'kwargs': {k: encode(v) for k, v in kwargs.items()}, 'out': [tensor(t) for t in y],
         'gout': [tensor(t) for t in g], 'gin': [tensor(t) if t is not None else None for t in gin]}
    again = [t for t in gin if t is not None and t.requires_grad]
    if second and again:
        w = [torch.randn_like(t) for t in again]
        gg = torch.autograd.grad(again, x, w, allow_unused=True)
        c.update(w=[tensor(t) for t in w], ggin=[tensor(t) if t is not None else None for t in gg])
    cases.append(c)


def v(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def r(*shape):
    return torch.randn(shape).requires_grad_()


def i(*values):
    return torch.tensor(values)


ties = [[2., 1, 2, 0, 1], [0, 0, 0, 3, 3], [1, 5, 5, 5, 1]]
odd = [[2., nan, 1, 0], [nan, nan, 5, 5], [inf, -inf, 0, -0.]]

for op in ['max', 'min', 'cummax', 'cummin', 'median', 'nanmedian', 'mode', 'sort']:
    kw = {'stable': True} if op == 'sort' else {}
    for rows in (ties, odd):
        if rows is odd and op == 'mode':
            continue
        if not (rows is ties and op in ('median', 'nanmedian')):  # which of the equal ones is not specified
            case(op, v(*rows), dim=1, **kw)
        case(op, v(*rows), dim=0, **kw) if rows is odd else None
for op in ['max', 'min', 'median', 'nanmedian']:
    case(op, v(*ties))
    case(op, v(*ties[1]))
    case(op, v(*[t for t in odd[2]]))
for op in ['amax', 'amin']:
    case(op, v(*ties), (0, 1))
    case(op, v(*ties), 1, True)
case('sort', v(*odd), dim=1, descending=True, stable=True)
case('sort', r(3, 4), -1, True)
case('msort', r(4, 3))
case('topk', r(3, 6), 4, 1, False, True)
case('topk', v(*odd[::2]), 2, 1)
case('kthvalue', r(3, 6), 2)
case('kthvalue', v(*odd), 4, 1, True)
case('mode', r(3, 4), 0, True)
case('cummax', r(4, 3, 2), 1)

for x in ([1.5, 0., -2, 0.5], [1.5, 0., -2, 0.], [0., 0, 0, 2], [-1., 3, 2, 0]):
    case('prod', v(*x), second=True)
    case('prod', v(x, x[::-1]), 1, second=True)
    case('cumprod', v(*x), 0, second=True)
    case('cumprod', v(x, x[::-1]), -1, second=True)
case('cumsum', v(1., inf, 2, nan, 1), 0)
case('logcumsumexp', v(1e308, -1e308, 700., 5e-324), 0)
case('logcumsumexp', r(5, 3), 1, second=True)

for op in ['var', 'std']:
    case(op, v(3., 3, 3))
    case(op, v([0.1, 0.1, 0.1], [1, 2, 4]), dim=1, second=op == 'var')
    case(op, r(4, 3), dim=0, correction=0, second=True)
    case(op, r(4, 3), dim=(0, 1), correction=2, keepdim=True, second=True)
    case(op, r(4, 3), dim=1, correction=0.5, second=True)
    case(op, r(4, 3), False, second=True)
case('nansum', v(*odd), 1)
case('nansum', v(*odd))
case('nanmean', v(*odd[:2]), 1)
case('nanmean', v(odd[0], ties[0][:4]), 0, True)

q = torch.tensor([0., 0.2, 0.5, 0.77, 1.])
for op in ['quantile', 'nanquantile']:
    for how in ['linear', 'lower', 'higher', 'midpoint', 'nearest']:
        case(op, r(7, 2), q, dim=0, interpolation=how)
        case(op, r(5), 0.35, interpolation=how)
    case(op, v([2., nan, 1, 0], [7, 1, 5, 3]), q, dim=1, keepdim=True)
    case(op, v([nan, nan], [nan, 3.]), 0.3, dim=1)
    case(op, r(2, 3, 2), q, dim=1)

case('diff', r(5))
case('diff', r(3, 5), 2, 1)
case('diff', r(3, 5), 1, 0, r(2, 5), r(1, 5))
case('diff', r(2, 3), 4, 0)
case('roll', r(3, 4), (1, -2), (0, 1))
case('roll', r(3, 4), 5)
for k in (-1, 0, 1, 2, 7):
    case('rot90', r(2, 3), k, (0, 1))
case('rot90', r(2, 3, 2), 1, (2, 0))
case('repeat', r(2, 3), [2, 1, 3])
case('tile', r(2, 3), (2,))
case('repeat_interleave', r(3, 2), i(2, 0, 3), 0)
case('repeat_interleave', r(3, 2), 3, 1)
case('unfold', r(3, 7), 1, 3, 2)
case('unfold', r(6, 2), 0, 2, 3)
pad = torch.nn.functional.pad
case('nn.functional.pad', r(3, 4), (-1, 2, 1, -1), 'constant', 2.5, f=pad)
case('nn.functional.pad', r(1, 3, 4), (2, -1), 'reflect', f=pad)
case('nn.functional.pad', r(1, 2, 3, 4), (3, 1, -1, 2), 'reflect', f=pad)
case('nn.functional.pad', r(1, 3, 4), (-2, 5), 'replicate', f=pad)
case('nn.functional.pad', r(1, 2, 3, 4), (-1, 3, 2, 0), 'circular', f=pad)
shuffle, unshuffle = torch.nn.functional.pixel_shuffle, torch.nn.functional.pixel_unshuffle
case('nn.functional.pixel_shuffle', r(2, 8, 2, 3), 2, f=shuffle)
case('nn.functional.pixel_shuffle', r(9, 1, 2), 3, f=shuffle)
case('nn.functional.pixel_unshuffle', r(2, 2, 4, 6), 2, f=unshuffle)
case('nn.functional.pixel_unshuffle', r(1, 3, 3), 3, f=unshuffle)
case('movedim', r(2, 3, 4), 0, -1)
case('movedim', r(2, 3, 4), 2, 0)
case('movedim', r(2, 3, 4, 2), (0, 3), (2, 0))
case('flatten', r(2, 3, 4))
case('flatten', r(2, 3, 4), 1, 2)
case('unflatten', r(2, 6), 1, (2, -1))
case('unflatten', r(6), -1, (1, 3, 2))
case('narrow', r(3, 5), 1, 1, 3)
case('narrow', r(3, 5), -2, -2, 2)
case('hstack', (r(2), r(3)))
case('hstack', (r(2, 1, 2), r(2, 3, 2)))
case('vstack', (r(3), r(2, 3)))
case('dstack', (r(2, 3), r(2, 3, 2)))
case('dstack', (r(3), r(3)))
case('column_stack', (r(2), r(2, 3), r(2)))
case('split', r(5, 2), 2, 0)
case('split', r(5, 2), [1, 4], 0)
case('chunk', r(7, 2), 3, 0)
case('chunk', r(5, 2), 4, 0)
case('unbind', r(2, 3), 1)
case('meshgrid', [r(2), r(3), r(1)], indexing='ij')
case('meshgrid', [r(2), r(3), r(2)], indexing='xy')

case('diagonal', r(3, 4), -1)
case('diagonal', r(2, 3, 4), 1, 2, 0)
case('diag_embed', r(2, 3), 1)
case('diag_embed', r(2, 3), -2, 0, 2)
case('diag', r(3), -1)
case('diag', r(3, 5), 2)
case('tril', r(2, 3, 4), 1)
case('triu', r(4, 3), -2)

mask = torch.tensor([[True, False, True], [False, False, True]])
case('masked_fill', r(2, 3), mask, -inf)
case('masked_fill', r(3), mask, r())
case('masked_select', r(2, 1), mask)
case('masked_scatter', r(2, 3), mask, r(4))
case('masked_scatter', r(2, 3), mask[0], r(2, 3))
at = torch.tensor([[0, 2, 1], [2, 0, 0]])  # no place twice along axis 0
case('scatter', r(3, 3), 0, at, r(2, 3))
case('scatter', r(3, 3), 1, torch.tensor([[0, 2, 1], [2, 0, 1]]), torch.randn(3, 4))
case('scatter', r(3, 3), 0, at, 2.5)
many = torch.tensor([[0, 0, 1], [0, 2, 1], [2, 0, 1]])
for how in ['sum', 'prod', 'mean', 'amax', 'amin']:
    for own in (True, False):
        case('scatter_reduce', r(4, 3), 0, many, r(3, 3), how, include_self=own, second=how in ('sum', 'mean', 'prod'))
        case('scatter_reduce', v([0.5, 2, 2]), 1, i([0, 0, 1, 1, 2]), v([1., 1, 3, 3, 0]), how, include_self=own)
for how in ['amax', 'amin']:
    case('scatter_reduce', v([1., 2, 2]), 1, i([0, 0, 1, 1, 2]), v([1., 1, 3, 2, 2]), how)
case('scatter_reduce', v(2., 3, 4), 0, i(0, 0, 1, 1, 1), v(0., 5, 0, 0, 7), 'prod')
case('index_fill', r(3, 4), 1, i(0, 3), 1.5)
case('index_fill', r(3, 4), 0, i(1), r())
case('index_copy', r(3, 4), 1, i(3, 0), r(3, 2))
case('index_put', r(3, 4), (i(0, 2), i(1, 3)), r(2))
case('index_put', r(3, 4), (i([0], [2]), i(1, 3)), r(2), True)
case('index_put', r(3, 4), (i(0, 0, 1),), r(4), True)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'reduce.jsonl.gz'), 'wb') as file:
    with gzip.GzipFile(fileobj=file, mode='wb', mtime=0, filename='') as out:
        for c in cases:
            out.write((json.dumps(c, separators=(',', ':')) + '\n').encode())
print(len(cases), 'cases,', sum('w' in c for c in cases), 'of second order')
