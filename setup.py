"""Build respnet: three source folders installed as one package tree.

``pyapi/`` is ``respnet``, ``engine/`` is ``respnet.engine``, ``redisproto/`` is
``respnet.redisproto``. Cython resolves a ``.pxd`` by its *installed* name, so all of them are
copied to ``build/pxd/respnet/...`` first; ``copy2`` keeps time stamps, so a changed ``.pxd``
rebuilds its users and nothing else.

The kernels are one C++ source compiled once per instruction set, each into a module of its own
(``level_*.cpp``): the processor picks one at import (``engine/kernels/levels.py``).
"""

import os
import platform
import shutil
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

ROOTS = {"respnet": "pyapi", "respnet.engine": "engine", "respnet.redisproto": "redisproto"}
PXD = Path("build/pxd")
SHARED = "respnet.engine._cyutility"  # Cython's memoryview code, once for all modules
DEV = os.environ.get("RESPNET_DEV") == "1"
KERNELS = Path("engine/kernels")

BASE_FLAGS = ["-O1", "-g"] if DEV else ["-O3", "-g0"]
# Contraction to FMA is wanted; value-changing "fast math" is not (NaN and infinity are defined).
KERNEL_FLAGS = ["-std=c++17", "-O3", "-g0", "-fno-math-errno", "-ffp-contract=fast",
                "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-Wno-psabi"]
LEVEL_FLAGS = {
    "portable": [],
    "avx2": ["-march=x86-64-v3"],
    "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}


def dotted(root, path):
    """engine/kernels/executor.pyx -> respnet.engine.kernels.executor"""
    return ".".join((root, *path.relative_to(ROOTS[root]).with_suffix("").parts))


def files(pattern):
    return [(r, p) for r, folder in ROOTS.items() for p in sorted(Path(folder).rglob(pattern))]


def copy_pxd():
    shutil.rmtree(PXD, ignore_errors=True)
    for root, path in files("*.pxd"):
        target = PXD.joinpath(*dotted(root, path).split(".")).with_suffix(".pxd")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def headers():
    return [str(p) for pattern in ("*.h", "*.hpp") for _, p in files(pattern)]


def cython_modules():
    options = {
        "extra_compile_args": BASE_FLAGS + ["-fvisibility=hidden"],
        "include_dirs": sorted({str(Path(h).parent) for h in headers()} | {numpy.get_include()}),
        "define_macros": [("NPY_NO_DEPRECATED_API", "NPY_1_20_API_VERSION")],
        "depends": headers(),
    }
    modules = [Extension(dotted(r, p), [str(p)], **options) for r, p in files("*.pyx")]
    modules.append(Extension(SHARED, ["_cyutility.c"], **options))
    generated = cythonize(
        modules,
        include_path=[str(PXD)],
        build_dir="build/cython",
        shared_utility_qualified_name=SHARED,
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    )
    # Cython copies headers beside the C it writes and does not refresh them; ours are on the path.
    for copy in Path("build/cython").rglob("*.h"):
        copy.unlink()
    return generated


def level_modules():
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    names = list(LEVEL_FLAGS) if x86 else ["portable"]
    # While kernels are being written one level is enough: RESPNET_LEVELS=avx512.
    names = os.environ.get("RESPNET_LEVELS", ",".join(names)).split(",")
    return [
        Extension(
            f"respnet.engine.kernels.level_{name}",
            [str(KERNELS / f"level_{name}.cpp")],
            extra_compile_args=KERNEL_FLAGS + LEVEL_FLAGS[name],
            include_dirs=[str(KERNELS)],
            depends=headers(),
        )
        for name in names
    ]


copy_pxd()
setup(
    packages=[
        root if path.parent == Path(ROOTS[root]) else dotted(root, path.parent)
        for root, path in files("__init__.py")
    ],
    package_dir=ROOTS,
    package_data={
        "": ["*.pxd", "*.pyi", "py.typed"],
        # CUDA sources are compiled where there is a GPU, together with the formulas they share.
        "respnet.engine.gpu": ["*.cu", "*.cuh"],
        "respnet.engine.kernels": ["formulas*.hpp"],
    },
    ext_modules=cython_modules() + level_modules(),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
