"""Cases of the form in parity.h with PyTorch's values: outputs, gradients by all leaves, and second-order ones."""
import gzip, json, math
import torch

torch.set_default_dtype(torch.float64)
cases = []


def tensor(t):
    values = (t.detach() - torch.zeros(t.shape, dtype=t.dtype)).reshape(-1).tolist()  # also of a zero without storage
    whole = not t.is_floating_point()
    return {'s': list(t.shape), 'd': [v if whole else v.hex() if math.isfinite(v) else str(v) for v in values],
            'rg': t.requires_grad, 'dt': str(t.dtype)[6:]}


def encode(a):
    if isinstance(a, torch.Tensor):
        return tensor(a)
    if isinstance(a, (list, tuple)):
        return [encode(x) for x in a]
    if isinstance(a, float):
        return a.hex() if math.isfinite(a) else str(a)
    return a


def leaves(a):
    if isinstance(a, torch.Tensor):
        return [a] if a.requires_grad else []
    if isinstance(a, dict):
        a = list(a.values())
    return sum((leaves(x) for x in a), []) if isinstance(a, (list, tuple)) else []


def case(name, *args, v='', second=True, of=None, **kwargs):
    """of: a function in the place of PyTorch's."""
    f = torch
    for part in name.split('.'):
        f = getattr(f, part)
    out = (of or f)(*args, **kwargs)
    out = list(out) if isinstance(out, (list, tuple)) else [out]
    wrt = leaves(list(args)) + leaves(kwargs)
    smooth = [o for o in out if o.requires_grad]
    gout = [torch.randn_like(o) for o in smooth]
    gin = torch.autograd.grad(smooth, wrt, gout, create_graph=True, allow_unused=True)
    c = {'op': name, 'v': v, 'i': sum(name == o['op'] for o in cases), 'args': encode(args),
         'kwargs': {k: encode(a) for k, a in kwargs.items()}, 'out': [tensor(o) for o in out],
         'gout': [tensor(g) for g in gout], 'gin': [None if g is None else tensor(g) for g in gin]}
    again = [g for g in gin if g is not None and g.requires_grad]
    if again and second:
        w = [torch.randn_like(g) for g in again]
        c['w'] = [tensor(g) for g in w]
        c['ggin'] = [None if g is None else tensor(g) for g in torch.autograd.grad(again, wrt, w, allow_unused=True)]
    cases.append(c)


def write(path):
    with gzip.GzipFile(path, 'wb', mtime=0) as f:
        for c in cases:
            f.write((json.dumps(c, separators=(',', ':')) + '\n').encode())
