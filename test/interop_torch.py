"""What test_interop exchanges with: NumPy's .npy, and safetensors by the package of that name, from NumPy and, where it is
there, PyTorch. A network goes both ways: theirs into ours, which then computes, and ours into theirs.

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


def network(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(12, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3, bias=False))


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
        tensors = {name: torch.from_numpy(array) for name, array in named.items()}
        save_torch(tensors | model()[1], folder / "theirs_torch.safetensors", metadata={"format": "pt"})
        save_torch(network(2).state_dict(), folder / "network_theirs.safetensors")
        np.save(folder / "x.npy", torch.randn(5, 12).numpy())


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check_torch(folder):
    net, state = model()
    theirs, ours = load_torch(folder / "theirs_torch.safetensors"), load_torch(folder / "ours_torch.safetensors")
    assert theirs.keys() == ours.keys() and len(theirs) > len(state)
    for name, tensor in theirs.items():
        assert tensor.dtype == ours[name].dtype and same(tensor.numpy(), ours[name].numpy()), f"{name} in PyTorch differs"
    net.load_state_dict({name: ours[name] for name in state})

    # Their network was loaded there, ours is loaded here: the same parameters, and the same answers but for rounding.
    x, theirs, ours = torch.from_numpy(np.load(folder / "x.npy")), network(2), network(3)
    ours.load_state_dict(load_torch(folder / "network_ours.safetensors"))
    for whose, net in (("theirs", theirs), ("ours", ours)):
        for name, tensor in net.state_dict().items():
            array = np.load(folder / f"network_{whose}.{name}.npy")
            assert same(array, tensor.numpy()), f"{name} of the network that was {whose} differs"
        y = torch.from_numpy(np.load(folder / f"network_{whose}.y.npy"))
        assert torch.allclose(net(x), y, rtol=1e-5, atol=1e-6), f"the network that was {whose} computes something else"
    return 2 * len(theirs.state_dict())


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
        tensors += check_torch(folder)
    print(f"# {tensors} tensors through NumPy and safetensors" + (" and PyTorch" if torch else "") + ": every byte equal")


if __name__ == "__main__":
    if sys.argv[1] != "probe":
        {"write": write, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
