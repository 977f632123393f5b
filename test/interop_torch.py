"""What test_interop exchanges with: NumPy's .npy, and safetensors by the package of that name, from NumPy and, where it is
there, PyTorch.

    interop_torch.py probe        exit status 0 if numpy and safetensors are there
    interop_torch.py write DIR    writes DIR/theirs*.safetensors and DIR/theirs*.npy
    interop_torch.py check DIR    DIR/ours* must hold the very same names, types, shapes and bytes as DIR/theirs*"""
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

try:
    import torch
    from safetensors.torch import load_file as load_torch, save_file as save_torch
except ImportError:
    torch = None

KINDS = ("<f4", "<f8", "<i8", "<i4", "|u1", "|b1")
SHAPES = ((), (1,), (7,), (0,), (3, 5), (4, 0, 2), (2, 3, 4), (64, 3, 3, 3), (1, 2, 1, 2, 1, 2, 1, 2))


def arrays():
    rng = np.random.default_rng(1)
    for kind in KINDS:
        for shape in SHAPES:
            size = np.dtype(kind).itemsize
            raw = rng.integers(0, 2 if kind == "|b1" else 256, (*shape, size), np.uint8)  # any bits, NaNs too
            yield f"{kind[1:]}.{'x'.join(map(str, shape)) or 'scalar'}.weight", raw.copy().view(kind).reshape(shape)


def model():
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 10))
    return net, net.state_dict()


def write(folder):
    named = dict(arrays())
    save_file(named, folder / "theirs.safetensors", metadata={"format": "np"})
    for i, array in enumerate(named.values()):
        with open(folder / f"theirs{i}.npy", "wb") as file:
            layout = np.asfortranarray(array) if i % 2 and array.ndim > 1 else array
            np.lib.format.write_array(file, layout, version=((1, 0), (2, 0), (3, 0))[i % 3])
    if torch:
        save_torch(model()[1], folder / "theirs_torch.safetensors", metadata={"format": "pt"})


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check(folder):
    tensors = 0
    for theirs in sorted(folder.glob("theirs*")):
        ours = folder / theirs.name.replace("theirs", "ours")
        if theirs.suffix == ".npy":
            a, b = np.load(theirs), np.load(ours)
            assert b.flags.c_contiguous and same(a, b), f"{theirs.name} differs"
            tensors += 1
        else:
            a, b = load_file(theirs), load_file(ours)
            assert a.keys() == b.keys(), f"names in {theirs.name}: {a.keys() ^ b.keys()}"
            for name in a:
                assert same(a[name], b[name]), f"{name} in {theirs.name} differs"
            tensors += len(a)
    if torch:
        net, state = model()
        loaded = load_torch(folder / "ours_torch.safetensors")
        for name, tensor in state.items():
            assert loaded[name].dtype == tensor.dtype and torch.equal(loaded[name], tensor), f"{name} in PyTorch differs"
        net.load_state_dict(loaded)
    print(f"# {tensors} tensors through NumPy and safetensors" + (" and PyTorch" if torch else "") + ": every byte equal")


if __name__ == "__main__":
    if sys.argv[1] != "probe":
        {"write": write, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
