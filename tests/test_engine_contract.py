"""The op contract, the kernels of every level and the reference name the same ops."""

import inspect

import pytest

from respnet.engine import activations, losses, reference_ops
from respnet.engine.kernels import direct, levels
from respnet.engine.ops import OPS

OPTIMIZERS = [name for name in OPS if name.endswith("_step")]


@pytest.mark.parametrize("op", OPS)
def test_reference_has_every_op_with_its_operands(op):
    parameters = inspect.signature(getattr(reference_ops, op)).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    added = [o.name for o in OPS[op].operands if op in OPTIMIZERS and o.added]
    assert names == [o.name for o in OPS[op].operands if not o.written] + added
    keywords = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert set(OPS[op].attributes) <= keywords


@pytest.mark.parametrize("level", levels.available())
def test_levels_have_every_op(level):
    kernels = {
        name.removesuffix("_rows").removesuffix("_lanes").removesuffix("_row")
        for name in direct.ops(level)
    }
    renamed = {"dropout_forward": "dropout", "dropout_backward": "dropout"}
    called = {"python_forward", "python_backward", "python_loss"}  # by the executor itself
    assert {renamed.get(op, op) for op in set(OPS) - called} <= kernels


def test_levels_have_equal_ops():
    tables = [direct.ops(level) for level in levels.available()]
    assert all(table == tables[0] for table in tables)
    assert len(tables[0]) > len(OPS)


@pytest.mark.parametrize("name", activations.NAMES)
def test_activations_have_the_numbers_of_the_kernels(name):
    assert direct.activation_names() == list(activations.NAMES)
    assert name in reference_ops.ACTIVATIONS


def test_losses_are_known_to_the_reference():
    assert tuple(reference_ops.LOSSES) == losses.POINTWISE
    assert tuple(reference_ops.ROW_LOSSES) == losses.ROWWISE


def test_signatures_are_parsed():
    backward = OPS["dense_backward"].operands
    assert [o.name for o in backward] == ["x", "kernel", "dz", "dx", "dkernel", "dbias"]
    assert [o.optional for o in backward] == [False, False, False, True, True, True]
    assert [o.added for o in backward] == [False, False, False, False, True, True]
    assert backward[1].shape == ("I", "O") and not backward[2].written and backward[3].written
