"""Writes conv.jsonl.gz beside itself: convolutions, pools, unfold and fold by PyTorch 2, in the form of parity.h.
usage: python3 conv.py, with torch 2"""
import os
import torch
from cases import case, write

torch.manual_seed(11)
inf, nan = float('inf'), float('nan')
F = 'nn.functional.'
size = {1: (7,), 2: (4, 5), 3: (4, 3, 4)}  # of images
small = {1: (3,), 2: (2, 3), 3: (2, 1, 2)}  # of kernels


def coarse(shape):
    return (torch.randn(shape) * 64).round() / 64  # short in the file


def r(*shape):
    return coarse(shape).requires_grad_()


torch.randn_like = lambda t: coarse(t.shape)


for d in (1, 2, 3):
    s, k, uneven = size[d], small[d], (1, 2, 3)[:d]
    conv, back = f'{F}conv{d}d', f'{F}conv_transpose{d}d'
    case(conv, r(2, 3, *s), r(2, 3, *k), r(2))
    case(conv, r(2, *s), r(3, 2, *k), None, 2, 1)
    case(conv, r(1, 4, *s), r(6, 2, *k), r(6), uneven, uneven[::-1], 1, 2)
    case(conv, r(2, 2, *s), r(2, 1, *k), r(2), padding=2, dilation=(1, 2, 1)[:d], groups=2)
    case(conv, r(1, 2, *s), r(2, 2, *k), r(2), padding='same', dilation=2)
    case(conv, r(2, *s), r(1, 2, *[2] * d), padding='same')
    case(conv, r(1, 2, *s), r(2, 2, *k), r(2), 2, 'valid')
    case(conv, r(2, 3, *s), r(2, 3, *[1] * d), r(2))
    case(conv, r(2, 3, *s), r(2, 3, *[1] * d), r(2), 2)
    case(conv, r(0, 3, *s), r(2, 3, *k), r(2), second=False)
    case(back, r(2, 3, *s), r(3, 2, *k), r(2))
    case(back, r(3, *s), r(3, 2, *k), None, 2, 1, 1)
    case(back, r(1, 4, *s), r(4, 3, *k), r(6), (2, 3, 2)[:d], uneven, (1, 2, 0)[:d], 2)
    case(back, r(2, 2, *k), r(2, 1, *k), r(2), stride=1, dilation=3, output_padding=2, groups=2)
    case(back, r(2, 2, *k), r(2, 3, *[1] * d), r(3))
    case(back, r(2, *s), r(2, 2, *[1] * d), dilation=2, output_padding=1)
    case(back, r(0, 3, *s), r(3, 2, *k), r(2), second=False)

    x = r(1, 2, *s)
    avg, most = f'{F}avg_pool{d}d', f'{F}max_pool{d}d'
    divisor = {} if d == 1 else {'divisor_override': 5}
    case(avg, x, 2)
    case(avg, r(2, *s), k, 1, (1, 0, 0)[:d], False, False)
    case(avg, x, 3, 2, 1, True, True)
    case(avg, x, 3, 2, 1, True, False)
    case(avg, x, 2, 3, 1, True, **divisor)
    case(avg, x, 3, stride=(2, 1, 2)[:d], ceil_mode=True)
    case(avg, r(0, 2, *s), 2)
    case(most, x, 2, return_indices=True)
    case(most, r(2, *s), k, return_indices=True)
    case(most, x, 3, 2, 1, 1, True, return_indices=True)
    case(most, x, 2, 1, 1, 2, return_indices=True)
    case(most, x, 3, stride=(2, 1, 2)[:d], padding=1, ceil_mode=True)
    case(most, r(0, 2, *s), 2)
    ties = torch.tensor([0., 1, 1, nan, 2, inf, inf, -inf, nan, 1, 1, -0., 0])[torch.randint(13, (2, *s))]
    case(most, ties.requires_grad_(), 2, 1, return_indices=True)
    case(most, torch.full((1, *s), -inf).requires_grad_(), 3, 2, 1, return_indices=True)
    case(avg, ties.detach().requires_grad_(), 2)

    y, index = torch.nn.functional.__dict__[f'max_pool{d}d'](torch.randn(1, 2, *[6] * d), 2, return_indices=True)
    case(f'{F}max_unpool{d}d', r(*y.shape), index, 2)
    case(f'{F}max_unpool{d}d', r(*y.shape), index, 2, None, 0, (1, 2) + (7,) * d)
    case(f'{F}max_unpool{d}d', r(*y.shape), index, [2] * d, 2, 0, [7] * d)

    for op in 'adaptive_avg_pool', 'adaptive_max_pool':
        more = {'return_indices': True} if 'max' in op else {}
        case(f'{F}{op}{d}d', x, 3, **more)
        case(f'{F}{op}{d}d', r(2, *s), 1, **more)
        case(f'{F}{op}{d}d', x, (4, 3, 6)[:d], **more)
        if d > 1:
            case(f'{F}{op}{d}d', x, (None, 2, None)[:d], **more)
        case(f'{F}{op}{d}d', r(0, 2, *s), 2)

    up = x.detach().abs().requires_grad_()
    case(f'{F}lp_pool{d}d', x, 2, 2)
    case(f'{F}lp_pool{d}d', up, 3., k if d > 1 else 3, 1)
    case(f'{F}lp_pool{d}d', up, 1.5, 3, 2, True)
    case(f'{F}lp_pool{d}d', r(2, *s), 1, 2)
    case(f'{F}lp_pool{d}d', torch.zeros(1, *s).requires_grad_(), 2, 2, second=False)

case(F + 'unfold', r(2, 3, 4, 5), 2)
case(F + 'unfold', r(2, 5, 6), (2, 3), (2, 1), (1, 2), (2, 3))
case(F + 'unfold', r(1, 1, 4, 4), 3, 1, 1, 2)
case(F + 'unfold', r(0, 2, 4, 4), 3)
case(F + 'fold', r(2, 12, 12), (4, 5), 2)
case(F + 'fold', r(12, 9), 5, (2, 3), (2, 1), (1, 2), (2, 3))
case(F + 'fold', r(1, 9, 4), 4, 3, 1, 1, 2)
case(F + 'fold', r(0, 8, 9), 4, 2)

write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'conv.jsonl.gz'))
