"""GPU sources import and compile everywhere; what needs a device is skipped without one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from respnet.engine import Model, ModelSpec, activations, gpu
from respnet.engine.errors import SpecError

SOURCES = sorted((Path(__file__).parent.parent / "engine" / "gpu").glob("*.cu"))


@pytest.mark.skipif(not shutil.which("nvcc"), reason="no CUDA compiler (nvcc) on this machine")
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_sources_compile_to_ptx(source, tmp_path):
    out = tmp_path / "out.ptx"
    subprocess.run(
        ["nvcc", "-std=c++17", "-arch=sm_80", "-ptx", str(source), "-o", str(out)],
        check=True,
        timeout=300,
    )
    entries = out.read_text()
    for name in activations.NAMES:
        assert f"activation_forward_{name}_float" in entries
        assert f"activation_backward_{name}_double" in entries


def test_the_package_imports_and_answers_without_a_gpu():
    assert gpu.available() in (True, False)
    with pytest.raises(SpecError, match="GPU executor is not part of this version"):
        Model(ModelSpec.dense((2, 1), role="regressor"), device="gpu")
