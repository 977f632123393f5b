"""Writes parity_small.jsonl.gz beside itself: a few cases of the form in parity.h, from closed formulas, so that
`make parity` has something to run and the reader something to be tested on. usage: python3 parity_small.py"""
import gzip, json, math, os


def tensor(shape, data, rg=False, dt='float64'):
    data = [(v.hex() if math.isfinite(v) else str(v)) if dt == 'float64' else int(v) for v in data]
    return {'s': shape, 'd': data, 'rg': rg, 'dt': dt}


cases = []


def case(op, args, out, gout, gin, w=None, ggin=None, v='', **kwargs):
    c = {'op': op, 'v': v, 'i': sum(op == other['op'] for other in cases), 'args': args, 'kwargs': kwargs,
         'out': out, 'gout': gout, 'gin': gin}
    if w is not None:
        c.update(w=w, ggin=ggin)
    cases.append(c)


inf, nan = math.inf, math.nan
x, g, u = [0.5, -1.25, 2.0], [1.5, -0.75, 0.25], [-2.0, 0.5, 3.0]

case('sin', [tensor([3], x, True)], [tensor([3], [math.sin(a) for a in x], True)], [tensor([3], g)],
     [tensor([3], [b * math.cos(a) for a, b in zip(x, g)], True)], [tensor([3], u)],
     [tensor([3], [-c * b * math.sin(a) for a, b, c in zip(x, g, u)])])

# At the edges: log 0 = -inf with slope inf, log of a negative number is NaN.
case('log', [tensor([3], [0.0, -1.0, inf], True)], [tensor([3], [-inf, nan, inf], True)], [tensor([3], [1.0, 1.0, 1.0])],
     [tensor([3], [inf, -1.0, 0.0], True)])

# [2,3] times [3]: the gradient by the second is summed over the rows.
a, b, h = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.5, -2.0, 1.5], [1.0, -1.0, 2.0, 0.5, 3.0, -0.25]
p, q = [2.0, 0.25, -1.0, 1.0, 1.5, -3.0], [1.0, -0.5, 4.0]
rows = lambda m, k: m[k] + m[3 + k]
case('mul', [tensor([2, 3], a, True), tensor([3], b, True)],
     [tensor([2, 3], [a[k] * b[k % 3] for k in range(6)], True)], [tensor([2, 3], h)],
     [tensor([2, 3], [h[k] * b[k % 3] for k in range(6)], True),
      tensor([3], [rows([h[k] * a[k] for k in range(6)], k) for k in range(3)], True)],
     [tensor([2, 3], p), tensor([3], q)],
     [tensor([2, 3], [h[k] * q[k % 3] for k in range(6)]),
      tensor([3], [rows([h[k] * p[k] for k in range(6)], k) for k in range(3)])])

case('add', [tensor([3], x, True), tensor([], [4.0], True)], [tensor([3], [k + 4 * -0.5 for k in x], True)],
     [tensor([3], g)], [tensor([3], g), tensor([], [-0.5 * sum(g)])], alpha=(-0.5).hex())

# A bias: the gradient by it does not depend on the leaves, and nothing depends on it twice.
case('nn.functional.linear', [tensor([1, 2], [3.0, -1.0], True), tensor([1, 2], [2.0, 0.5], True), tensor([1], [7.0], True)],
     [tensor([1, 1], [12.5], True)], [tensor([1, 1], [2.0])],
     [tensor([1, 2], [4.0, 1.0], True), tensor([1, 2], [6.0, -2.0], True), tensor([1], [2.0])],
     [tensor([1, 2], [1.0, 10.0]), tensor([1, 2], [0.5, -3.0])],
     [tensor([1, 2], [1.0, -6.0]), tensor([1, 2], [2.0, 20.0]), None])

case('sum', [tensor([2, 3], a, True)], [tensor([2, 1], [6.0, 15.0], True)], [tensor([2, 1], [3.0, -1.0])],
     [tensor([2, 3], [3.0] * 3 + [-1.0] * 3)], dim=[-1], keepdim=True)
case('sum', [tensor([0, 3], [], True)], [tensor([], [0.0], True)], [tensor([], [5.0])], [tensor([0, 3], [])])

case('max', [tensor([2, 3], [1.0, 7.0, 3.0, 9.0, 5.0, 6.0], True), 1],
     [tensor([2], [7.0, 9.0], True), tensor([2], [1, 0], dt='int64')], [tensor([2], [0.5, -2.0])],
     [tensor([2, 3], [0.0, 0.5, 0.0, -2.0, 0.0, 0.0])], v='reduction_with_dim')

case('clamp', [tensor([3], x, True), None, (0.5).hex()], [tensor([3], [0.5, -1.25, 0.5], True)], [tensor([3], g)],
     [tensor([3], [1.5, -0.75, 0.0])])

case('where', [tensor([3], x, True), tensor([3], [1, 0, 1], dt='bool'), tensor([], [-7.0], True)],
     [tensor([3], [0.5, -7.0, 2.0], True)], [tensor([3], g)], [tensor([3], [1.5, 0.0, 0.25]), tensor([], [-0.75])])

case('permute', [tensor([2, 3], a, True), [1, 0]], [tensor([3, 2], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0], True)],
     [tensor([3, 2], h)], [tensor([2, 3], [h[0], h[2], h[4], h[1], h[3], h[5]])])

case('index_select', [tensor([2, 3], a, True), 1, tensor([4], [2, 0, 2, 2], dt='int64')],
     [tensor([2, 4], [3.0, 1.0, 3.0, 3.0, 6.0, 4.0, 6.0, 6.0], True)], [tensor([2, 4], [1.0, 2.0, 4.0, 8.0, 0.5, 0.25, 1.0, 1.0])],
     [tensor([2, 3], [2.0, 0.0, 13.0, 0.25, 0.0, 2.5])])

case('cat', [[tensor([1], [1.0], True), tensor([2], [2.0, 3.0]), tensor([1], [4.0], True)]],
     [tensor([4], [1.0, 2.0, 3.0, 4.0], True)], [tensor([4], [1.0, 10.0, 100.0, 1000.0])],
     [tensor([1], [1.0]), tensor([1], [1000.0])], dim=0)

name = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'parity_small.jsonl.gz')
with open(name, 'wb') as file, gzip.GzipFile('', 'wb', 9, file, 0) as packed:
    for c in cases:
        packed.write((json.dumps(c, separators=(',', ':')) + '\n').encode())
