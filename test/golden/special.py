"""Writes special.jsonl.gz beside itself: activations and special functions at ordinary points, at kinks, poles and
infinities. usage: python3 special.py, with torch 2 and mpmath"""
import os
import mpmath
import torch
from cases import case, write

mpmath.mp.dps = 40
torch.manual_seed(7)
inf, nan = float('inf'), float('nan')


def x(*values):
    return torch.tensor([float(v) for v in values]).requires_grad_()


class Exact(torch.autograd.Function):
    """The n-th derivative of a function given by mpmath, where PyTorch's own is off by up to 1e-9."""
    @staticmethod
    def forward(ctx, x, f, n):
        ctx.save_for_backward(x)
        ctx.f, ctx.n = f, n
        return torch.tensor([float(f(n, mpmath.mpf(v))) for v in x.tolist()])

    @staticmethod
    def backward(ctx, g):
        return g * Exact.apply(ctx.saved_tensors[0], ctx.f, ctx.n + 1), None, None


def log_gamma(n, v):
    return mpmath.psi(n - 1, v) if n else mpmath.log(abs(mpmath.gamma(v)))


usual = (-2.5, -1.3, -0.7, -0.2, 0.1, 0.4, 0.9, 1.6, 2.8)
odd = (0.0, -0.0, 1.0, -1.0, inf, -inf, nan)
F = 'nn.functional.'

# gamma
plain = (-3.7, -2.5, -1.2, -0.3, 1e-3, 0.2, 0.9, 1.4616, 2.7, 5.5, 9.9, 12.0, 150.0)
case('lgamma', x(*plain), of=lambda t: Exact.apply(t, log_gamma, 0))
case('digamma', x(*plain), of=lambda t: Exact.apply(t, log_gamma, 1))
for n in range(5):
    case('polygamma', n, x(*plain), of=lambda k, t: Exact.apply(t, log_gamma, k + 1))
for p in (1, 2, 5):
    case('mvlgamma', x(2.1, 3.5, 8.0), p, of=lambda t, k: k * (k - 1) / 4 * 1.1447298858494002
         + sum(Exact.apply(t - j / 2, log_gamma, 0) for j in range(k)))
case('lgamma', x(0.0, -1.0, -2.0, 1.0, 2.0, inf, nan), v='poles', second=False)
case('digamma', x(0.0, -0.0, nan), v='poles', second=False)

# error function, normal distribution
case('special.erfcx', x(-3, *usual, 4, 12, 30, 1e5))
case('special.ndtr', x(-9, -6, *usual, 5))
case('special.log_ndtr', x(-20, -9, -6, -1.01, *usual, 5))
case('special.ndtri', x(1e-12, 1e-3, 0.1, 0.24, 0.26, 0.5, 0.6, 0.74, 0.76, 0.999))
case('erfinv', x(-0.999, -0.6, -0.4, -1e-9, 0.0, 0.3, 0.5, 0.51, 0.9999))
case('erfinv', x(-1, 1, 1.5, nan), v='ends', second=False)
case('special.ndtri', x(0, 1, 1.5, -0.1, nan), v='ends', second=False)
case('special.entr', x(0.1, 0.5, 1, 2.5))
case('special.entr', x(0, -1, inf, nan), v='ends', second=False)
for f in ('special.erfcx', 'special.ndtr'):
    case(f, x(*odd), v='odd', second=False)

# Bessel functions
for f in ('i0', 'special.i0e', 'special.i1', 'special.i1e'):
    case(f, x(-20, -9, *usual, 5, 7.9, 8.1, 40))
    case(f, x(0, nan) if f in ('i0', 'special.i1') else x(0, inf, -inf, nan), v='odd', second=False)

# elementary
case('acosh', x(1.001, 1.5, 4, 1e9))
case('acosh', x(1, 0.5, inf, nan), v='ends', second=False)
case('asinh', x(*usual, 1e9))
case('atanh', x(-0.9, -0.1, 1e-9, 0.5))
case('exp2', x(*usual))
case('exp2', x(*odd), v='odd', second=False)
for f in ('log2', 'log10'):
    case(f, x(1e-3, 0.5, 1, 3, 1e9))
    case(f, x(*odd), v='odd', second=False)
for f in ('frac', 'rad2deg', 'deg2rad'):
    case(f, x(*usual), second=False)
case('sgn', x(*usual, 0), second=False)
case('sinc', x(*usual, 1, 2, -3, 1e-3))
case('sinc', x(0, 1e-8, 1e-6), v='near 0', second=False)
case('logit', x(0.1, 0.4, 0.8))
case('logit', x(-0.2, 0.1, 0.15, 0.4, 0.9, 1.2), eps=0.15)
case('logit', x(0.1, 0.4, 0.8), eps=0.0)
case('logit', x(0, 1, 0.5, nan), v='ends', second=False)
case('nan_to_num', x(1, -2, nan, inf, -inf), second=False)
case('nan_to_num', x(1, -2, nan, inf, -inf), nan=7.0, posinf=3.0, neginf=0.0, second=False)

# activations: at ordinary points; at kinks, infinities and NaN
for name in ('logsigmoid', 'mish', 'selu', 'relu6', 'hardswish', 'softsign', 'tanhshrink', 'elu', 'celu', 'hardshrink',
             'softshrink', 'hardtanh', 'silu', 'gelu', 'leaky_relu'):
    case(F + name, x(*usual, -4, 7))
case(F + 'hardsigmoid', x(*usual, -4, 7), second=False)
for name, kinks in (('relu6', (0, 6)), ('hardsigmoid', (-3, 3)), ('hardtanh', (-1, 1)), ('hardshrink', (-0.5, 0.5)),
                    ('softshrink', (-0.5, 0.5)), ('elu', (0, -40)), ('celu', (0,)), ('selu', (0, -40)),
                    ('softsign', (0,)), ('logsigmoid', (0, 1000, -1000)), ('hardswish', (0,)), ('mish', (0, 30, -30)),
                    ('silu', (0, 100, -100))):
    case(F + name, x(*kinks), v='kinks', second=False)
for name in ('hardtanh', 'hardshrink', 'softshrink', 'elu', 'celu', 'selu', 'relu6', 'hardsigmoid', 'logsigmoid'):
    case(F + name, x(inf, -inf) if name in ('selu', 'relu6') else x(inf, -inf, nan), v='odd', second=False)
case(F + 'elu', x(*usual), alpha=0.3)
case(F + 'elu', x(*usual), 2.0)
case(F + 'celu', x(*usual), alpha=2.5)
case(F + 'hardshrink', x(*usual), 1.0)
case(F + 'softshrink', x(*usual), lambd=0.0)
case(F + 'hardtanh', x(*usual), 0.0, 2.0)
case(F + 'hardtanh', x(*usual), min_val=-2.0, max_val=0.0)
case(F + 'threshold', x(*usual, 0.4), 0.4, 20.0)
case(F + 'prelu', torch.randn(3, 4).requires_grad_(), x(0.1, 0.2, -0.3, 0.4))
case(F + 'prelu', torch.randn(2, 3, 2, 2).requires_grad_(), x(0.1, 0.2, -0.3))
case(F + 'prelu', x(-1, 0, 1), x(0.25), second=False)
case(F + 'rrelu', x(*usual))
case(F + 'rrelu', x(*usual), 0.0, 0.5)
case(F + 'gelu', x(*usual), approximate='tanh')
case(F + 'glu', torch.randn(4, 2, 3).requires_grad_(), 0)
case(F + 'softmin', torch.randn(4, 3).requires_grad_(), dim=0)

# of two
a, b = (-2.5, -1.0, 0.5, 3.0, 7.5), (1.5, -2.0, 0.75, 3.0, -2.0)
for f in ('hypot', 'fmod', 'remainder', 'logaddexp', 'logaddexp2'):
    case(f, x(*a), x(*b))
    case(f, x(*a), torch.tensor([[1.25], [-0.75]]).requires_grad_())
case('fmod', x(*a), 1.5)
case('remainder', x(*a), -1.5)
for f in ('fmax', 'fmin'):
    case(f, x(1, 2, 3, nan, 5, nan, inf), x(1, 3, 2, 4, nan, nan, -inf), second=False)
case('copysign', x(-2, 2, 3, -3, 0), x(1, -1, 0, -0.0, -5), second=False)
case('logaddexp', x(1000, -1000, 5, inf), x(-1000, -1001, inf, 3), v='large', second=False)
case('xlogy', x(0, 0, 0, 2, 0.5, -1), x(3, 0.5, 2, 3, 0.2, 4))
case('xlogy', x(0, 1), x(nan, nan), v='odd', second=False)
case('special.xlog1py', x(0, 0.5, 2, -1), x(3, -0.5, 2, 3))
case('ldexp', x(*a), x(*b))
case('float_power', x(0.5, 1.5, 3), x(2, -1.5, 1))
case('float_power', x(0.5, -1.5, 3), 3)
case('clamp_min', x(*usual), 0.5)
case('clamp_min', x(*a), x(*b))
case('clamp_max', x(*usual), 0.5)
case('clamp_max', x(*a), x(*b))
case('addcmul', x(*a), x(*b), torch.randn(2, 1).requires_grad_(), value=-2.0)
case('addcdiv', x(*a), x(*b), torch.tensor([[2.], [3.]]).requires_grad_(), value=0.5)
case('addcdiv', x(*a), x(*b), x(*a))
case('lerp', x(*a), x(*b), 0.75)
case('lerp', x(*a), x(*b), torch.tensor([[0.], [1.], [0.3], [1.7]]).requires_grad_())

# pow in its corners
case('pow', x(0, 0, 0, 2, -2, -2, 1, inf, 0.5), x(2, 1, 0.5, 0, 3, 0, nan, 2, -1), v='corners', second=False)
case('pow', x(0, 1, 2), 2, v='corners')
case('pow', x(0, 1, 2), 3, v='corners')
write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'special.jsonl.gz'))
