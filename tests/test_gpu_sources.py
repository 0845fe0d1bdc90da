"""GPU sources import and compile everywhere; what needs a device is skipped without one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from respnet.engine import Model, ModelSpec, gpu
from respnet.engine.errors import SpecError

FOLDER = Path(__file__).parent.parent / "engine" / "gpu"
SOURCES = sorted(FOLDER.glob("*.cu"))


@pytest.mark.skipif(not shutil.which("nvcc"), reason="no CUDA compiler (nvcc) on this machine")
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_sources_compile_to_ptx(source, tmp_path):
    out = tmp_path / "out.ptx"
    kernels = FOLDER.parent / "kernels"
    command = ["nvcc", "-std=c++17", "-arch=sm_80", f"-I{kernels}", "-ptx", str(source)]
    subprocess.run([*command, "-o", str(out)], check=True, timeout=300)
    entries = out.read_text()
    body = source.with_suffix(".cuh").read_text()
    names = [part.partition(")")[0] for part in body.split("RESPNET_KERNEL(")[1:]]
    assert names
    for name in names:
        assert f".entry {name}_float(" in entries
        assert f".entry {name}_double(" in entries


@pytest.mark.skipif(gpu.available(), reason="this machine has a GPU")
def test_without_a_gpu_the_error_says_what_is_needed():
    with pytest.raises(SpecError, match=r"device gpu needs a CUDA card and CuPy"):
        Model(ModelSpec.dense((2, 1), role="regressor"), device="gpu")


def test_other_devices_are_refused():
    with pytest.raises(SpecError, match="cpu, cpu:LEVEL, gpu or gpu:NUMBER, got 'tpu'"):
        Model(ModelSpec.dense((2, 1), role="regressor"), device="tpu")
