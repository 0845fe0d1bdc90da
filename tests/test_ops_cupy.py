"""Every op on CuPy's arrays, where there is a GPU: values and gradients as with NumPy."""

import numpy as np
import pytest
from ops_cases import arrays_in, at, case, put

from respnet import ops

cupy = pytest.importorskip("cupy", reason="no CuPy")
try:
    cupy.cuda.runtime.getDeviceCount()
except cupy.cuda.runtime.CUDARuntimeError:
    pytest.skip("no GPU", allow_module_level=True)

MADE = {"zeros", "ones", "full", "arange", "shape", "size", "convert_to_numpy"}
FLAT = ("gelu", "erf")  # the reference's error function goes number by number


def moved(args):
    """The same arguments with arrays on the GPU."""
    return [
        [cupy.asarray(each) for each in x]
        if isinstance(x, list) and isinstance(x[0], np.ndarray)
        else cupy.asarray(x) if isinstance(x, np.ndarray) else x
        for x in args
    ]  # fmt: skip


def listed(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(set(ops.OPS) - MADE - set(FLAT)))
def test_values_and_gradients_are_those_on_the_cpu(name, seed):
    args, options, _ = case(name, np.random.default_rng(seed), (2, 3)[: 1 + seed % 2] + (2,))
    there = moved(args)
    wanted = listed(getattr(ops, name)(*args, **options))
    got = listed(getattr(ops, name)(*there, **options))
    for one, other in zip(got, wanted, strict=True):
        assert isinstance(one, cupy.ndarray)
        np.testing.assert_allclose(one.get(), other, rtol=1e-6, atol=1e-12)
    if ops.OPS[name].gradient is None:
        return
    for place in arrays_in(args):
        results = []
        for given in (args, there):
            with ops.GradientTape() as tape:
                x = tape.watch(at(given, place))
                y = listed(getattr(ops, name)(*put(given, place, x), **options))
                y = [ops.sum(ops.square(part)) for part in y if part.dtype.kind == "f"]
            if y and isinstance(y[0], ops.Tensor) and y[0].tape is not None:
                results.append(tape.gradient(y[0], x))
        if results and results[0] is not None:
            assert isinstance(results[1], cupy.ndarray)
            np.testing.assert_allclose(results[1].get(), results[0], rtol=1e-6, atol=1e-12)


def test_arrays_of_two_places_are_refused():
    with pytest.raises(TypeError, match="add got float64"):
        ops.add(np.ones(2), cupy.ones(2))


def test_operators_and_numpy():
    x = ops.Tensor(cupy.arange(3.0))
    assert isinstance((cupy.ones(3) * x + 1).value, cupy.ndarray)
    assert ops.convert_to_numpy(x).tolist() == [0, 1, 2]
