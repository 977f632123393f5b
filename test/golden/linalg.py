"""Writes linalg.jsonl.gz beside itself: cases of the form in parity.h with PyTorch's values, for the operators of linear
algebra: outputs, gradients by all leaves, and second-order ones. usage: python3 linalg.py, with torch 2"""
import gzip, json, math, os
import torch

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)


def tensor(t):
    values = (t.detach() + torch.zeros(t.shape, dtype=t.dtype)).reshape(-1).tolist()  # also of a zero without storage
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


cases = []


def case(name, *args, v='', first=None, **kwargs):
    """first: what is called, if its arguments come in another order than in the case."""
    f = torch
    for part in name.split('.'):
        f = getattr(f, part)
    out = (first or f)(*args, **kwargs)
    out = [o for o in (out if isinstance(out, (list, tuple)) else [out])]
    wrt = leaves(list(args)) + leaves(kwargs)
    smooth = [o for o in out if o.requires_grad]
    gout = [torch.randn_like(o) for o in smooth]
    gin = torch.autograd.grad(smooth, wrt, gout, create_graph=True, allow_unused=True)
    c = {'op': name, 'v': v, 'i': sum(name == o['op'] for o in cases), 'args': encode(args),
         'kwargs': {k: encode(a) for k, a in kwargs.items()}, 'out': [tensor(o) for o in out],
         'gout': [tensor(g) for g in gout], 'gin': [None if g is None else tensor(g) for g in gin]}
    again = [g for g in gin if g is not None and g.requires_grad]
    if again:
        w = [torch.randn_like(g) for g in again]
        c['w'] = [tensor(g) for g in w]
        c['ggin'] = [None if g is None else tensor(g) for g in torch.autograd.grad(again, wrt, w, allow_unused=True)]
    cases.append(c)


def x(*shape):
    return torch.randn(shape).requires_grad_()


def good(*shape):
    """Far from singular, with separate singular values."""
    m, n = shape[-2:]
    return (0.25 * torch.randn(*shape) + torch.diag(1. + 2 * torch.arange(max(m, n)))[:m, :n]).requires_grad_()


def symmetric(*shape):
    a = good(*shape).detach()
    return ((a + a.mT) / 2).requires_grad_()


# products
case('mm', x(2, 3), x(3, 4))
case('bmm', x(2, 2, 3), x(2, 3, 2))
case('mv', x(2, 3), x(3))
case('dot', x(4), x(4))
case('outer', x(3), x(2))
case('inner', x(2, 3), x(4, 3))
case('inner', x(), x(2, 3))
case('linalg.vecdot', x(2, 3), x(2, 3))
case('linalg.vecdot', x(2, 3), x(3), dim=0, first=lambda a, b, dim: (a * b).sum(dim))
case('cross', x(2, 3), x(2, 3), 1)
case('linalg.cross', x(3, 2), x(3, 2), dim=0)
case('kron', x(2, 3), x(2, 2))
case('kron', x(2, 1, 2), x(3))
case('trace', x(2, 3))
case('addmm', x(2), x(3, 4), x(4, 2), beta=0.5, alpha=-2.0)
case('addmm', torch.tensor([math.nan, 1.]).requires_grad_(), x(3, 4), x(4, 2), beta=0)
case('addmv', x(3), x(3, 4), x(4), beta=-0.5, alpha=3.0)
case('addr', x(2), x(3), x(2), alpha=2.0)
case('baddbmm', x(3, 1), x(2, 3, 2), x(2, 2, 4), beta=1.5)
case('addbmm', x(3, 4), x(2, 3, 2), x(2, 2, 4), alpha=0.25)
case('linalg.multi_dot', [x(2, 3), x(3, 4), x(4, 2)])
case('linalg.multi_dot', [x(3), x(3, 4), x(4)])
case('nn.functional.bilinear', x(2, 3), x(2, 2), x(4, 3, 2), x(4))
case('tensordot', x(2, 3, 4), x(4, 2, 3), [[0, 2], [1, 0]])
case('tensordot', x(2, 3), x(1, 2), 1)
for text, shapes in [('ij', [(2, 3)]), ('ba', [(2, 3)]), ('ii', [(3, 3)]), ('ii->i', [(3, 3)]), ('iji->j', [(2, 3, 2)]),
                     ('...ij->...ji', [(2, 2, 3)]), ('ij,jk', [(2, 3), (3, 2)]), ('Ab,bC', [(2, 3), (3, 2)]),
                     ('bi,oij,bj->bo', [(2, 3), (4, 3, 2), (2, 2)]), ('...ik,...kj', [(2, 1, 2, 3), (3, 3, 2)]),
                     ('i,ij,i->j', [(3,), (3, 2), (3,)]), ('ij,kj->ik', [(2, 1), (3, 4)]), ('...,...', [(2,), (2, 2)]),
                     ('ijk,jil->kl', [(2, 3, 2), (3, 2, 4)]), ('i...,i...->...', [(2, 3), (2, 3)]), ('->', [()])]:
    case('einsum', [x(*s) for s in shapes], text, first=lambda operands, text: torch.einsum(text, *operands))

# systems of equations
case('linalg.solve', good(3, 3), x(3))
case('linalg.solve', good(2, 2, 2), x(2, 3))
case('linalg.solve', good(3, 3), x(2, 3), left=False)
case('linalg.inv', good(2, 2, 2))
case('linalg.solve_triangular', good(3, 3), x(3, 2), upper=False)
case('linalg.solve_triangular', good(3, 3), x(2, 3), upper=True, left=False, unitriangular=True)
case('linalg.cholesky', symmetric(3, 3))
case('linalg.cholesky', symmetric(2, 2, 2), upper=True)
case('cholesky_solve', x(3, 2), good(3, 3).detach().tril())
case('cholesky_solve', x(3, 2), good(3, 3).detach().triu(), True)
case('linalg.det', good(2, 3, 3))
case('linalg.slogdet', (-good(3, 3)).detach().requires_grad_())
case('logdet', good(2, 3, 3))
case('linalg.lu', good(3, 3))
case('linalg.lu', good(3, 2).detach().flip(0).requires_grad_())
case('linalg.lu', good(2, 2, 3))
case('linalg.lu_factor', good(3, 3).detach().flip(0).requires_grad_())
case('linalg.lu_factor', good(2, 4))
factors, pivots = torch.linalg.lu_factor(good(3, 3).detach().flip(0))
case('linalg.lu_solve', factors, pivots, x(3, 2))
case('linalg.lu_solve', factors, pivots, x(3, 2), adjoint=True)
case('linalg.lu_solve', factors, pivots, x(2, 3), left=False)
for driver in ('gelsy', 'gels', 'gelsd', 'gelss'):
    case('linalg.lstsq', good(4, 2), x(4, 2), driver=driver)
case('linalg.lstsq', good(2, 3), x(2, 1))
case('linalg.pinv', good(3, 2))
case('linalg.pinv', good(2, 2, 3))
case('linalg.pinv', good(3, 3), rtol=0.3, v='of lower rank')
case('linalg.pinv', good(3, 3), atol=2.0, v='of lower rank')
case('linalg.pinv', symmetric(3, 3), hermitian=True)

# spectra
case('linalg.qr', good(3, 2))
case('linalg.qr', good(2, 2, 3))
case('linalg.qr', good(2, 3), 'complete')
case('linalg.eigh', symmetric(3, 3))
case('linalg.eigh', symmetric(2, 2, 2), 'U')
case('linalg.eigvalsh', symmetric(3, 3))
case('linalg.svd', good(3, 3))
case('linalg.svd', good(3, 2))
case('linalg.svd', good(2, 3), full_matrices=False)
case('linalg.svdvals', good(2, 3))
case('linalg.householder_product', x(3, 2), x(2))
for n in (0, 1, 6, -2):
    case('linalg.matrix_power', good(2, 2), n)
case('matrix_exp', x(2, 3, 3))
case('matrix_exp', (8 * torch.randn(3, 3)).requires_grad_(), v='large')
case('linalg.cond', good(3, 3))
norms = lambda a, p: torch.linalg.matrix_norm(a, p) * torch.linalg.matrix_norm(torch.linalg.inv(a), p)
case('linalg.cond', good(3, 3), 1, first=norms)
case('linalg.cond', good(3, 2), -2)
case('linalg.cond', good(3, 3), 'fro', first=norms)

# norms and distances
for order in (0, 0.5, 1, 1.5, 2, 3, math.inf, -math.inf, -1, -2.5):
    case('linalg.vector_norm', x(2, 3), order, 1)
case('linalg.vector_norm', torch.zeros(3).requires_grad_(), 3, v='of 0')
case('linalg.vector_norm', torch.tensor([0., 2., -2.]).requires_grad_(), math.inf, v='of equals')
case('linalg.vector_norm', x(2, 3, 2), 2, (0, 2), True)
for order in ('fro', 'nuc', 1, -1, 2, -2, math.inf, -math.inf):
    case('linalg.matrix_norm', x(2, 3, 2), order, (2, 0), order == 1)
    case('linalg.norm', x(3, 2), order)
case('linalg.norm', x(2, 3))
case('linalg.norm', x(2, 3), 3, 1)
case('norm', x(2, 3), 'fro', [0, 1], True)
case('norm', x(2, 3), 3, 1)
case('norm', x(3, 3), 'nuc')
case('dist', x(2, 3), x(3), 3)
case('nn.functional.pairwise_distance', x(2, 3), x(3), 3.0, 0.01, True)
for p in (0.0, 1.0, 2.0, 3.0, math.inf):
    a, b = x(2, 3), x(4, 3)
    case('cdist', a, b, p, first=lambda a, b, p: torch.linalg.vector_norm(a[:, None] - b, p, -1))
case('cov', x(2, 4))
case('cov', x(3, 4), correction=0, fweights=torch.tensor([1, 2, 0, 3]), aweights=torch.rand(4))
case('cov', x(5))
case('corrcoef', x(3, 4))

case('linalg.tensorinv', x(2, 3, 6))
case('linalg.tensorinv', x(4, 2, 2), ind=1)
case('linalg.tensorsolve', x(2, 3, 6), x(2, 3))
case('linalg.tensorsolve', x(2, 6, 3), x(2, 3), dims=(1,))
case('linalg.tensorsolve', x(3, 2, 6), x(6), dims=(0, 1))

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'linalg.jsonl.gz')
with open(path, 'wb') as raw, gzip.GzipFile(filename='', fileobj=raw, mode='wb', mtime=0) as file:
    for c in cases:
        file.write(json.dumps(c, separators=(',', ':')).encode() + b'\n')
print(len(cases), 'cases,', sum('w' in c for c in cases), 'of second order')
