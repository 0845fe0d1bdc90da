"""Network files: what goes in comes out; anything else is refused by name."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from respnet.engine import Model, ModelSpec
from respnet.engine.errors import FileError
from respnet.engine.storage import Saved, from_bytes, load, save, to_bytes

SPEC = ModelSpec.dense((3, 5, 2), role="regressor", scaling=True, seed=4)


def saved(spec=SPEC, **tensors):
    return Saved(spec, {"weights": Model(spec).weights.vector, **tensors}, {"cycles": 7}, "0.1.0")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_goes_in_comes_out(tmp_path, dtype):
    spec = ModelSpec.dense((2, 4, 3), role="classifier", hidden="relu", dtype=dtype, seed=9)
    wanted = saved(spec, rows=np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1])
    save(tmp_path / "net", wanted)
    got = load(tmp_path / "net")
    assert got.spec == spec and got.extra == {"cycles": 7} and got.version == "0.1.0"
    assert set(got.tensors) == {"weights", "rows"}
    assert all((got.tensors[k] == wanted.tensors[k]).all() for k in got.tensors)


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    save(tmp_path / "net", saved())
    before = (tmp_path / "net").read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path / "net", saved(rows=np.ones(3, np.float32)))
    assert (tmp_path / "net").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


def damaged(tmp_path, tensors=None, **metadata):
    whole = {"format": "1", "version": "0", "spec": json.dumps(SPEC.to_dict()), "extra": "{}"}
    weights = {"weights": Model(SPEC).weights.vector}
    path = tmp_path / "net"
    save_file(weights if tensors is None else tensors, path, {**whole, **metadata})
    return path


@pytest.mark.parametrize(
    "metadata, said",
    [
        ({"format": "2"}, "format '2', this version reads 1"),
        ({"format": "x"}, "format 'x'"),
        ({"spec": "{"}, "damaged description"),
        ({"spec": "[]"}, "damaged description"),
        ({"spec": json.dumps({**SPEC.to_dict(), "role": "oracle"})}, "role must be one of"),
        ({"extra": "nonsense"}, "damaged description"),
        ({"spec": "[" * 100_000}, "damaged description"),
        ({"extra": " " * (17 << 20)}, "a description of .* letters, the limit is 16,777,216"),
    ],
)
def test_wrong_metadata_is_refused(tmp_path, metadata, said):
    with pytest.raises(FileError, match=said):
        load(damaged(tmp_path, **metadata))


@pytest.mark.parametrize(
    "tensors, said",
    [
        ({"other": np.ones(3, np.float32)}, "got none"),
        ({"weights": np.ones(3, np.float32)}, r"got float32 \(3,\)"),
        ({"weights": np.zeros(Model(SPEC).layout.size)}, "got float64"),
    ],
)
def test_wrong_weights_are_refused(tmp_path, tensors, said):
    with pytest.raises(FileError, match=said):
        load(damaged(tmp_path, tensors))


def announced(tmp_path, header, size=None, rest=b""):
    """A file with this header, which may announce another length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "net"
    path.write_bytes((len(text) if size is None else size).to_bytes(8, "little") + text + rest)
    return path


FAR = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}
HEADERS = [
    (b"{}", 1 << 62, b""),  # a header of four exabytes
    (b"{}", 200 << 20, b"{}" * 999),  # larger than any file may have
    ({"weights": FAR}, None, bytes(64)),
    ({"weights": {**FAR, "shape": [16], "data_offsets": [0, 1 << 40]}}, None, bytes(64)),
    ({"weights": {**FAR, "shape": [16], "data_offsets": [64, 0]}}, None, bytes(64)),
    ({"a": {**FAR, "shape": [8], "data_offsets": [0, 32]},
      "b": {**FAR, "shape": [8], "data_offsets": [0, 32]}}, None, bytes(32)),
    (b"[" * 100_000, None, b""),
]  # fmt: skip


@pytest.mark.parametrize("header, size, rest", HEADERS)
def test_a_header_that_announces_what_is_not_there_is_refused(tmp_path, header, size, rest):
    with pytest.raises(FileError, match="not a network file"):
        load(announced(tmp_path, header, size, rest))


def test_every_cut_of_a_file_is_refused(tmp_path):
    save(tmp_path / "whole", saved())
    whole = (tmp_path / "whole").read_bytes()
    for end in range(0, len(whole), 13):
        (tmp_path / "net").write_bytes(whole[:end])
        with pytest.raises(FileError, match="not a network file"):
            load(tmp_path / "net")


def test_a_huge_network_is_refused_before_it_is_made(tmp_path):
    spec = json.dumps(ModelSpec.dense((10**6, 10**6, 1), role="regressor").to_dict())
    with pytest.raises(FileError, match="at most"):
        load(damaged(tmp_path, spec=spec))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("f") / "net"
    path.write_bytes(content)
    with pytest.raises(FileError, match="not a network file"):
        load(path)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_flipped_byte_gives_an_error_or_a_whole_network(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("f") / "net"
    save(path, saved())
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        got = load(path)
    except FileError as problem:
        assert str(path) in str(problem)
    else:
        assert Model(got.spec, vector=got.tensors["weights"]).layout.size == 32 + 10


def test_bytes_are_the_file_and_come_back(tmp_path):
    data = to_bytes(saved(rows=np.ones((2, 3), np.float32), numbers=np.arange(3)))
    (tmp_path / "net").write_bytes(data)
    there, here = load(tmp_path / "net"), from_bytes(data)
    assert here.spec == there.spec and here.extra == there.extra
    assert set(here.tensors) == {"weights", "rows"}  # whole numbers are none of ours
    assert all(np.array_equal(here.tensors[k], there.tensors[k]) for k in here.tensors)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_bytes_with_faults_are_refused_or_read(data):
    whole = to_bytes(saved())
    at = data.draw(st.integers(0, 700))
    broken = whole[:at] + data.draw(st.binary(min_size=1, max_size=9)) + whole[at + 1 :]
    broken = broken[: data.draw(st.integers(0, len(broken)))]
    try:
        found = from_bytes(broken)
    except FileError:
        return
    assert found.tensors["weights"].shape == saved().tensors["weights"].shape
