"""TorchScript archives by torch, inside a child. They are data for its own interpreter: nothing of
Python's in them is run."""

import io

import torch

VERSION = torch.__version__


def scripts():
    """The class of scripts; it takes a while to be there, and models do not need it."""
    from .child_torch_script import Script

    return Script


class Model:
    """One module, on one thread. inputs, outputs: (name, type, shape); outputs have no names."""

    def __init__(self, blob, *_):
        self.module = torch.jit.load(io.BytesIO(blob), map_location="cpu").eval()
        schema = self.module.forward.schema
        self.inputs = [(one.name, "", None) for one in schema.arguments[1:]]
        if any(one.type.kind() != "TensorType" for one in schema.arguments[1:]):
            raise ValueError("the inputs of a model must be tensors")
        (result,) = [one.type for one in schema.returns]
        kinds = result.elements() if result.kind() == "TupleType" else [result]
        if any(one.kind() != "TensorType" for one in kinds):
            raise ValueError("a model must return a tensor or a tuple of tensors")
        self.outputs = [("", "", None)] * len(kinds)

    def run(self, arrays):
        with torch.inference_mode():
            result = self.module(*[torch.from_numpy(array.copy()) for array in arrays])
        results = result if isinstance(result, tuple) else (result,)
        return [one.numpy() for one in results]


torch.set_num_threads(1)
# What torch looks up in files at its first work it has seen now: later it may open none.
torch.nn.Linear(2, 2)(torch.ones(1, 2)).sum().detach().numpy()
