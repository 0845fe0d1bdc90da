"""Graph: any ONNX model, evaluated node by node with NumPy.

For what is no chain of layers. Nothing here is compiled or trained; the work of a run is bounded by
``Limits`` (nodes executed, bytes held). Numbers a run does not change are computed once, at load.
"""

import time
from collections.abc import Mapping

import numpy as np

from respnet.engine.errors import EngineError, FileError, ShapeError, TimeError
from respnet.engine.onnx import (
    classic,
    control,
    elementwise,
    products,
    recurrent,
    reductions,
    shaping,
)
from respnet.engine.onnx.call import Call
from respnet.engine.onnx.limits import HELD, Budget, Limits
from respnet.engine.onnx.reader import Net, Op, read

OPS = {
    **elementwise.OPS,
    **reductions.OPS,
    **shaping.OPS,
    **products.OPS,
    **recurrent.OPS,
    **control.OPS,
    **classic.OPS,
}
# What the functions may run into with shapes or numbers by a stranger.
MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
FOLDED_BYTES = 16 << 20  # constants computed at load are kept up to this size


class Graph:
    """An ONNX model that runs: ``Graph.load(path_or_bytes).run({"x": array})``."""

    ops = OPS
    left_alone = frozenset(control.OPS)  # operators that are not computed at load

    def __init__(self, net: Net, limits: Limits | None = None):
        self.net, self.limits = net, limits or Limits()
        _check_known(net, self.ops)
        self.constants, self.nodes = self._folded()
        self._plan = Plan(net, self.nodes)
        self._plans: dict[int, Plan] = {}  # of the graphs inside, by id of their Net

    @classmethod
    def load(cls, source, limits: Limits | None = None) -> "Graph":
        """The graph of a path or of bytes."""
        return cls(read(source, limits), limits)

    @property
    def inputs(self):
        """Slots: name, dtype, shape (None where it may change)."""
        return self.net.inputs

    @property
    def outputs(self):
        return self.net.outputs

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name. Inputs of another dtype are cast if their kind stays (int, float)."""
        names = [slot.name for slot in self.net.inputs]
        if set(inputs) != set(names):
            raise ShapeError(f"the model has the inputs {names}, got {sorted(inputs)}")
        values = {slot.name: fitted(slot, inputs[slot.name]) for slot in self.net.inputs}
        run = _Run(self, self._plans)
        results = run.plan(self._plan, values, [self.constants])
        return dict(zip((o.name for o in self.net.outputs), results, strict=True))

    def _folded(self) -> tuple[dict, list[Op]]:
        """(constants, nodes left) after computing what reads constants only."""
        run, constants, left = _Run(self, {}), {**self.net.constants}, []
        kept = 0
        for node in self.net.nodes:
            ready = all(not name or name in constants for name in node.inputs)
            if not ready or node.kind in self.left_alone or kept > FOLDED_BYTES:
                left.append(node)
                continue
            results = run.node(node, [constants])
            if node.kind != "Constant":
                kept += sum(result.nbytes for result in results)
            constants.update(zip(node.outputs, results, strict=False))
        return constants, left


def fitted(slot, value) -> np.ndarray:
    """The array of an input, checked against what the model says about it."""
    array = np.asarray(value)
    if slot.dtype is not None and array.dtype != slot.dtype:
        if not np.can_cast(array.dtype, slot.dtype, "same_kind"):
            raise ShapeError(f"input {slot.name!r} wants {slot.dtype}, got {array.dtype}")
        array = array.astype(slot.dtype)
    wanted = slot.shape
    if wanted is not None and (
        len(wanted) != array.ndim
        or any(w not in (None, n) for w, n in zip(wanted, array.shape, strict=True))
    ):
        raise ShapeError(f"input {slot.name!r} wants shape {wanted}, got {array.shape}")
    return array


def _check_known(net: Net, ops: Mapping) -> None:
    """Refuse a node nobody can run before anything is run."""
    for node in net.nodes:
        if node.kind not in ops:
            raise FileError(f"{node}: this operator is not supported")
        for value in node.attributes.values():
            if isinstance(value, Net):
                _check_known(value, ops)


class Plan:
    """A graph with what it may forget after each node: values nobody reads again."""

    def __init__(self, net: Net, nodes):
        self.net, self.nodes = net, tuple(nodes)
        kept, last = {o.name for o in net.outputs}, {}
        for number, node in enumerate(self.nodes):
            last.update(dict.fromkeys((*_reads(node), *node.outputs), number))
        self.gone: dict[int, list[str]] = {}
        for name, number in last.items():
            if name not in kept:
                self.gone.setdefault(number, []).append(name)


def _reads(node: Op) -> list[str]:
    """Names a node reads, those read by the graphs inside it too."""
    names = list(node.inputs)
    for net in node.attributes.values():
        if isinstance(net, Net):
            names += [name for inner in net.nodes for name in _reads(inner)]
            names += [o.name for o in net.outputs]
    return names


class _Run:
    """One evaluation: its budget, and the bytes its values hold."""

    def __init__(self, graph: Graph, plans: dict):
        limits = graph.limits
        self.limits, self.opset, self.ops, self.plans = limits, graph.net.opset, graph.ops, plans
        self.budget, self.held = Budget(limits), 0
        self.until = time.monotonic() + limits.seconds

    def plan(self, plan: Plan, values: dict, scopes: list) -> list[np.ndarray]:
        """Outputs of a graph that begins with ``values``; ``scopes`` are the graphs around it."""
        scopes, before = [values, *scopes], self.held
        for number, node in enumerate(plan.nodes):
            results = self.node(node, scopes)
            values.update(zip(node.outputs, results, strict=False))
            self.held += sum(result.nbytes for result in results)
            for name in plan.gone.get(number, ()):
                if name in values:
                    self.held -= values.pop(name).nbytes
            self.limits.check("bytes", self.held, HELD)
        self.held = before
        return [_find(o.name, scopes) for o in plan.net.outputs]

    def inside(self, net: Net, inputs: list, scopes: list) -> list[np.ndarray]:
        """Outputs of a graph that is an attribute of a node."""
        if id(net) not in self.plans:
            self.plans[id(net)] = Plan(net, net.nodes)
        names = [slot.name for slot in net.inputs]
        values = dict(zip(names, inputs, strict=True))
        return self.plan(self.plans[id(net)], values, [net.constants, *scopes])

    def node(self, node: Op, scopes: list) -> tuple[np.ndarray, ...]:
        self.budget.spend("steps")
        if time.monotonic() > self.until:
            raise TimeError(f"more than {self.limits.seconds} seconds")
        call = Call(
            node.attributes,
            self.opset,
            len(node.outputs),
            self.limits,
            lambda net, inputs: self.inside(net, inputs, scopes),
            self.held,
        )
        inputs = [_find(name, scopes) if name else None for name in node.inputs]
        try:
            with np.errstate(all="ignore"):
                results = self.ops[node.kind](call, *inputs)
        except EngineError as problem:
            raise type(problem)(f"{node}: {problem}") from None
        except MISFITS as problem:
            shapes = [None if x is None else x.shape for x in inputs]
            raise ShapeError(f"{node} on shapes {shapes}: {_said(problem)}") from None
        return tuple(results) if isinstance(results, (tuple, list)) else (results,)


def _said(problem: Exception) -> str:
    """NumPy's words about numbers and shapes; Python's about its own types help nobody."""
    if isinstance(problem, (ArithmeticError, ValueError, np.exceptions.AxisError)):
        return str(problem)
    return "its inputs and attributes do not fit each other"


def _find(name: str, scopes: list) -> np.ndarray:
    for values in scopes:
        if name in values:
            return values[name]
    raise ShapeError(f"nothing is named {name!r}")
