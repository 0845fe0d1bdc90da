"""The same model over rows of unequal length: a mask of its first input is one input more."""

from dataclasses import replace

from respnet.engine.errors import SpecError
from respnet.engine.params import Layout
from respnet.engine.spec import ModelSpec, Node, node_of


def masked_spec(spec: ModelSpec) -> ModelSpec:
    """``spec`` with an input more, the last: mask (T), 0 where a step of the first input (T,...)
    does not count. Its parameters lie where they did.
    """
    name, shape = spec.inputs[0]
    if len(shape) < 2:
        _check_words(spec, name, shape)
    mask, masked = (_free(spec, f"{name}_{word}") for word in ("mask", "masked"))
    nodes = [replace(node, inputs=tuple(masked if source == name else source
                                        for source in node.inputs)) for node in spec.nodes]
    nodes.insert(0, Node(masked, "apply_mask", (name, mask)))
    return replace(spec, nodes=tuple(nodes), inputs=(*spec.inputs, (mask, (shape[0],))))


def _check_words(spec: ModelSpec, name: str, shape) -> None:
    """Rows (T) are sequences only where layers make sequences (T,...) of them, as embeddings do."""
    shapes = Layout(spec).shapes
    for node in spec.nodes:
        if name in node.inputs and not (shape and len(shapes[node.name]) > 1):
            raise SpecError(
                f"lengths are of sequences (T, ...); layer {node.name!r} reads rows of shape "
                f"{shape} of input {name!r} as one set of numbers"
            )


def _free(spec: ModelSpec, name: str) -> str:
    """``name``, or one like it that nothing in the model has."""
    taken = {node_of(n) for n, _ in spec.inputs} | {node.name for node in spec.nodes}
    while name in taken:
        name += "_"
    return name
