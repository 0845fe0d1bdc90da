"""Weights to and from the state dicts of torch.

    net.load_state_dict(respnet.torch.to_state_dict(model))
    respnet.torch.from_state_dict(model, net.state_dict())

Dense is Linear, Conv1D/2D are Conv1d/2d, SimpleRNN, LSTM and GRU (reset_after) are RNN, LSTM and
GRU, Embedding and the normalisations are themselves. torch keeps channels first: the kernel of a
Dense behind a Flatten of images is put into torch's order. Names are those of our layers, a mapping
``{layer name: module name}``, or, when reading, the order of the modules. torch itself is needed
for tensors only, ``arrays=True`` does without.
"""

import re
from collections.abc import Mapping

import numpy as np

from .extras import need
from .keras_order import parts
from .torch_layers import CONVERSIONS, Conversion, rows_of_flatten

_RECURRENT = re.compile(r"(weight|bias)_(ih|hh)_l(\d+)(_reverse)?$")
COUNTER = "num_batches_tracked"  # of torch's BatchNorm; nothing here counts batches


def to_state_dict(model, names: Mapping[str, str] | None = None, *, arrays: bool = False) -> dict:
    """Module name + parameter -> tensor (or array), in the order of the layers."""
    found: dict[str, np.ndarray] = {}
    for layer, leaves in _owners(model):
        prefix = (names or {}).get(layer.name, layer.name)
        for suffix, leaf, conversion in leaves:
            own = dict(zip(_short(model, leaf), _values(model, leaf), strict=True))
            for name, array in conversion.to_torch(leaf, own, rows_of_flatten(model, leaf)).items():
                found[f"{prefix}.{name}{suffix}"] = np.ascontiguousarray(array)
    if arrays:
        return found
    torch = need("torch", "torch")
    return {name: torch.from_numpy(array.copy()) for name, array in found.items()}


def from_state_dict(model, state: Mapping, names: Mapping[str, str] | None = None) -> None:
    """Take over the weights of a state dict of tensors or arrays.

    Without ``names`` modules are found by the names of our layers if all are there, else the n-th
    module with parameters is the n-th layer with weights; a stacked RNN counts as its layers.
    """
    owners, modules = _owners(model), _modules(state)
    chosen = _chosen(owners, modules, names)
    arranged: dict[str, np.ndarray] = {}
    for (layer, leaves), (module, theirs) in zip(owners, chosen, strict=True):
        for suffix, leaf, conversion in leaves:
            own = {n.removesuffix(suffix): a for n, a in theirs.items() if n.endswith(suffix)}
            own = {n: a for n, a in own.items() if suffix or not n.endswith("_reverse")}
            try:
                made = conversion.from_torch(leaf, own, rows_of_flatten(model, leaf))
            except KeyError as missing:
                raise ValueError(
                    f"module {module!r} has {sorted(own)}, layer {layer.name} wants {missing}"
                ) from None
            full = dict(zip(_short(model, leaf), model.parameter_names(leaf), strict=True))
            if set(made) != set(full):
                raise ValueError(
                    f"module {module!r} gives {sorted(made)}, layer {layer.name} has {sorted(full)}"
                )
            arranged.update({full[name]: array for name, array in made.items()})
    model.put_weights(list(arranged), arranged.values(), f"model {model.name}")


def _owners(model) -> list[tuple]:
    """(layer, [(suffix of its parameters, leaf, conversion)]) of the layers with weights."""
    model._need_built()
    found = []
    for layer in model._all_layers():
        if hasattr(layer, "layers"):
            raise ValueError(f"model {model.name}: the model {layer.name} within it has no module")
        leaves = []
        for path, leaf in parts(layer):
            if model.parameter_names(leaf):
                suffix = "_reverse" if path.startswith("backward_layer") else ""
                leaves.append((suffix, leaf, _conversion(leaf)))
        found += [(layer, leaves)] if leaves else []
    return found


def _conversion(leaf) -> Conversion:
    for kind in type(leaf).__mro__:
        if kind.__name__ in CONVERSIONS:
            return CONVERSIONS[kind.__name__]
    raise ValueError(
        f"layer {leaf.name} of class {type(leaf).__name__} has no module in torch; "
        f"known are {', '.join(sorted(CONVERSIONS))}"
    )


def _short(model, leaf) -> list[str]:
    return [name.rpartition("/")[2] for name in model.parameter_names(leaf)]


def _values(model, leaf) -> list[np.ndarray]:
    return model.weights_of(model.parameter_names(leaf))


def _modules(state: Mapping) -> dict[str, dict]:
    """Module -> parameters, in order; "rnn:1" is the second layer of a stacked one."""
    found: dict[str, dict] = {}
    for name, value in state.items():
        module, _, parameter = name.rpartition(".")
        if parameter == COUNTER:
            continue
        recurrent = _RECURRENT.match(parameter)
        if recurrent:
            kind, side, number, reverse = recurrent.groups()
            module = module if number == "0" else f"{module}:{number}"
            parameter = f"{kind}_{side}_l0{reverse or ''}"
        found.setdefault(module, {})[parameter] = _array(value)
    return found


def _array(value) -> np.ndarray:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _chosen(owners, modules: dict, names) -> list[tuple]:
    """(module, parameters) of each layer with weights."""
    wanted = [(names or {}).get(layer.name, layer.name) for layer, _ in owners]
    if names or set(wanted) <= set(modules):
        missing = [module for module in wanted if module not in modules]
        if missing:
            raise ValueError(f"no module {missing[0]!r}; there are {', '.join(modules)}")
        return [(module, modules[module]) for module in wanted]
    if len(modules) != len(owners):
        raise ValueError(
            f"{len(modules)} modules with parameters ({', '.join(modules)}), the model has "
            f"{len(owners)} layers with weights ({', '.join(layer.name for layer, _ in owners)})"
        )
    return list(modules.items())


__all__ = ["from_state_dict", "to_state_dict"]
