"""Writes golden/files: small .npy files by NumPy and a safetensors file by the package of that name, which test_npy and
test_safetensors read.   python3 test/golden/files.py   (needs numpy, safetensors)"""
import pathlib

import numpy as np
from safetensors.numpy import save_file

folder = pathlib.Path(__file__).parent / "files"
folder.mkdir(exist_ok=True)

count = np.arange(12).reshape(3, 4)
arrays = {kind: (count + 0.5 if kind[0] == "f" else count).astype(kind) for kind in ("f4", "f8", "i8", "i4", "u1")}
arrays["b1"] = count % 3 == 1
for name, array in arrays.items():
    np.save(folder / f"{name}.npy", array)
np.save(folder / "f4_fortran.npy", np.asfortranarray(arrays["f4"]))
np.save(folder / "f8_fortran.npy", np.asfortranarray(arrays["f8"]))
np.save(folder / "f8_scalar.npy", np.float64(0.5))
np.save(folder / "f8_vector.npy", np.arange(4) + 0.5)
with open(folder / "f8_2.npy", "wb") as file:
    np.lib.format.write_array(file, arrays["f8"], version=(2, 0))

arrays["scalar"] = np.array(0.5)
arrays["empty"] = np.zeros((0, 3), "f4")
arrays["a \"b\" \\ \u00e9\u4e2d"] = np.array([1.5], "f4")
save_file(arrays, folder / "all.safetensors", metadata={"note": "from \"NumPy\" \\ \u00e9"})
