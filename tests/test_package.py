"""The sdist and the wheel, built as a release is and read; the guards of the source folders."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOTS = {"respnet": "pyapi", "respnet.engine": "engine", "respnet.redisproto": "redisproto"}
NOT_SOURCE = (".*", "build", "dist", "*.egg-info", "*.so", "__pycache__")
HOOK = """
import sys, setuptools.build_meta as backend
print("built", getattr(backend, sys.argv[1])(sys.argv[2]))
"""


def build(kind, folder, target):
    """Run one hook of the build backend, as pip and build do; returns the file it made."""
    environment = {k: v for k, v in os.environ.items() if k != "RESPNET_DEV"}
    done = subprocess.run(
        [sys.executable, "-c", HOOK, f"build_{kind}", str(target)],
        cwd=folder, capture_output=True, text=True, env=environment,
    )
    made = re.findall(r"^built (.+)$", done.stdout, re.M)
    assert done.returncode == 0 and made, done.stdout[-2000:] + done.stderr[-4000:]
    return target / made[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The sdist, unpacked: its folder."""
    target = tmp_path_factory.mktemp("sdist")
    # From a copy, so that a build here leaves nothing in the source tree.
    source = target / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    archive = build("sdist", source, target)
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """The wheel built from the sdist, and nothing else."""
    return build("wheel", sdist, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel):
    """Names of the files in the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


def sources(*suffixes):
    """(path, installed name without suffix) of the tree's sources with one of the suffixes."""
    for root, folder in ROOTS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and "__pycache__" not in path.parts:
                inside = path.relative_to(ROOT / folder).with_suffix("")
                yield path, "/".join((*root.split("."), *inside.parts))


def test_the_sdist_holds_what_a_build_needs(sdist):
    wanted = [p for p, _ in sources(".py", ".pyx", ".pxd", ".pyi", ".hpp", ".h", ".cpp")]
    missing = [p for p in wanted if not (sdist / p.relative_to(ROOT)).is_file()]
    assert len(wanted) > 10 and missing == []


def test_the_sdist_holds_what_a_contributor_needs(sdist):
    listed = shutil.ignore_patterns(*NOT_SOURCE)("", [p.name for p in ROOT.iterdir()])
    top = {p.name for p in ROOT.iterdir() if p.name not in listed and any_file(p)}
    assert {"LICENSE", "README.md", "Makefile", "tests", "docs"} <= top
    assert sorted(n for n in top if not (sdist / n).exists()) == []


def any_file(path):
    return path.is_file() or any(p.is_file() for p in path.rglob("*"))


def test_the_sdist_holds_no_builds(sdist):
    assert [p for s in ("*.so", "*.pyd", "*.pyc") for p in sdist.rglob(s)] == []


def test_the_wheel_has_every_module(installed):
    compiled = {re.sub(r"\.(cpython|abi3|cp).*", "", n) for n in installed if n.endswith(".so")}
    missing = [name for _, name in sources(".py") if f"{name}.py" not in installed]
    missing += [name for _, name in sources(".pyx") if name not in compiled]
    assert missing == []
    assert "respnet/engine/kernels/level_portable" in compiled


def test_the_wheel_has_types(installed):
    wanted = [f"{name}{path.suffix}" for path, name in sources(".pyi", ".pxd")]
    wanted += [f"{root.replace('.', '/')}/py.typed" for root in ROOTS]
    assert [name for name in wanted if name not in installed] == []


def test_every_compiled_module_has_a_stub():
    missing = [p.name for p, _ in sources(".pyx") if not p.with_suffix(".pyi").is_file()]
    assert missing == []


def test_the_wheel_has_no_sources_but_those_of_the_gpu(installed):
    left = [n for n in installed if n.endswith((".pyx", ".cpp", ".c", ".hpp", ".h", ".cu", ".cuh"))]
    cuda = [p for p, _ in sources(".cu", ".cuh")]  # compiled where a GPU is, with the formulas
    cuda += [p for p, _ in sources(".hpp") if p.name.startswith("formulas")]
    assert sorted(left) == sorted(f"respnet/{p.relative_to(ROOT).as_posix()}" for p in cuda)
    assert {n.split("/")[0].split("-")[0] for n in installed} == {"respnet"}


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size <= 4_000_000


def test_the_wheel_has_the_console_script(wheel):
    with zipfile.ZipFile(wheel) as archive:
        entry = next(n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert "respnet = respnet.cli:main" in archive.read(entry).decode()


def test_the_wheel_runs_by_itself(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = "import respnet; from respnet.engine.kernels import levels as l;"
    script += "l.load(l.chosen()); print(respnet.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {script}"],
        cwd=tmp_path, capture_output=True, text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "respnet" / "__init__.py"), done.stderr


@pytest.mark.parametrize("root, folder", ROOTS.items())
def test_a_source_folder_refuses_to_be_imported_by_its_own_name(root, folder):
    done = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert f"import {root}" in done.stderr
