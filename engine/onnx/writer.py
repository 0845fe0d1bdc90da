"""An ONNX model being written: nodes, constants, inputs and outputs; then its bytes."""

import numpy as np

from respnet.engine.errors import SpecError
from respnet.engine.onnx import tensors
from respnet.engine.onnx.proto import encode

IR_VERSION, OPSET = 8, 17
MOST_BYTES = 2**31 - 1  # of a protobuf message


class Writer:
    """``node`` adds a node and names what it gives; names are those of the layers, numbered."""

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}
        self._taken: set[str] = set()
        self.scope = "model"  # of the names made now: a layer

    def name(self, wanted: str) -> str:
        """``wanted``, with a number if it is taken."""
        number, made = 0, wanted
        while made in self._taken:
            number, made = number + 1, f"{wanted}_{number + 1}"
        self._taken.add(made)
        return made

    def constant(self, array, name: str) -> str:
        """A constant of the layer; floats in the model's dtype."""
        array = np.asarray(array)
        if array.dtype.kind == "f":
            array = array.astype(self.dtype)
        made = self.name(f"{self.scope}/{name}")
        self._constants[made] = tensors.encoded(array, made)
        return made

    @property
    def number_of_dtype(self) -> int:
        """Of the model's floats in ONNX."""
        return tensors.NUMBERS[self.dtype]

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64), "shape")

    def number(self, value) -> str:
        return self.constant(np.array(value), "number")

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes):
        """Add a node; the name of its output, or of several."""
        word = kind.lower()
        names = [self.name(f"{self.scope}/{word}") for _ in range(outputs)]
        self._add(kind, inputs, names, attributes)
        return names[0] if outputs == 1 else names

    def rename(self, value: str, name: str) -> None:
        """Give ``value`` to the outside under this name."""
        self._taken.add(name)
        self._add("Identity", [value], [name], {})

    def _add(self, kind: str, inputs, outputs, attributes) -> None:
        made = [_attribute(name, value) for name, value in attributes.items()]
        self._nodes.append(
            encode(
                "Node",
                input=list(inputs),
                output=outputs,
                name=outputs[0] + ":node",
                op_type=kind,
                attribute=made,
            )
        )

    def to_bytes(self, name: str, inputs, outputs, version: str = "") -> bytes:
        """inputs, outputs: (name, shape with numbers and words) each, of the model's dtype."""
        graph = encode(
            "Graph",
            node=self._nodes,
            name=name,
            initializer=self._constants.values(),
            input=[self._slot(*each) for each in inputs],
            output=[self._slot(*each) for each in outputs],
        )
        if len(graph) > MOST_BYTES - 1024:
            raise SpecError(f"an ONNX model has at most 2 GiB, this one {len(graph):,} bytes")
        return encode(
            "Model",
            ir_version=IR_VERSION,
            producer_name="respnet",
            producer_version=version,
            graph=graph,
            opset_import=[encode("OperatorSet", domain="", version=OPSET)],
        )

    def _slot(self, name: str, shape) -> bytes:
        dims = [
            encode("Dim", dim_param=n) if isinstance(n, str) else encode("Dim", dim_value=n)
            for n in shape
        ]
        kind = self.number_of_dtype
        tensor = encode("TensorType", elem_type=kind, shape=encode("Shape", dim=dims))
        return encode("ValueInfo", name=name, type=encode("Type", tensor_type=tensor))


def _attribute(name: str, value) -> bytes:
    """An attribute of the type its value has (numbers of ``AttributeType``)."""
    if isinstance(value, np.ndarray):
        return encode("Attribute", name=name, t=tensors.encoded(value), type=4)
    if isinstance(value, float):
        return encode("Attribute", name=name, f=value, type=1)
    if isinstance(value, int):
        return encode("Attribute", name=name, i=value, type=2)
    if isinstance(value, str):
        return encode("Attribute", name=name, s=value.encode(), type=3)
    value = list(value)
    if isinstance(value[0], str):
        return encode("Attribute", name=name, strings=[v.encode() for v in value], type=8)
    if isinstance(value[0], float):
        return encode("Attribute", name=name, floats=value, type=6)
    return encode("Attribute", name=name, ints=value, type=7)
