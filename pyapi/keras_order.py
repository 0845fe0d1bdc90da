"""The order in which Keras counts the layers of a model, and where it keeps their weights.

Files of Keras 3 name a group by class and number in this order, not by the layer's name.
"""

from collections import Counter

from .layers.base import base_name
from .layers.cells import RNN
from .layers.core import InputLayer
from .layers.recurrent import Recurrent
from .layers.wrappers import Bidirectional, TimeDistributed


def ordered(model) -> list:
    """Layers as ``model.layers`` of Keras: by depth, those equally deep as a walk meets them.

    Depth is the longest way to an output; the walk goes from the outputs to what they read.
    """
    if hasattr(model, "_stack"):
        return list(model.layers)
    met: dict = {}
    finished: list = []
    todo = [(s.call, False) for s in reversed(model.outputs)]
    while todo:
        call, done = todo.pop()
        if done:
            finished.append(call)
        elif call not in met.setdefault("calls", set()):
            met["calls"].add(call)
            met.setdefault(call.layer, len(met))
            todo.append((call, True))
            todo += [(s.call, False) for s in reversed(call.inputs)]
    depths, layers = Counter(), {}
    for call in reversed(finished):
        depth = max(depths[call], layers.get(call.layer, 0))
        layers[call.layer] = depths[call] = depth
        for symbol in call.inputs:
            depths[symbol.call] = max(depths[symbol.call], depth + 1)
    shown = [layer for layer in layers if not getattr(layer, "hidden", False)]
    return sorted(shown, key=lambda layer: (-layers[layer], met[layer]))


def groups(layers) -> dict:
    """Layer -> name of its group: the class in small letters, and a number from the second on."""
    counted, found = Counter(), {}
    for layer in layers:
        base = base_name(type(layer))
        found[layer] = f"{base}_{counted[base]}" if counted[base] else base
        counted[base] += 1
    return found


def parts(layer) -> list[tuple[str, object]]:
    """(path within the group, leaf whose weights lie there) in the order of ``get_weights``."""
    if isinstance(layer, Bidirectional):
        return _below("forward_layer", layer.forward_layer) + _below(
            "backward_layer", layer.backward_layer
        )
    if isinstance(layer, TimeDistributed):
        return _below("layer", layer.layer)
    if isinstance(layer, RNN):
        if len(layer.cells) == 1:
            return [("cell/vars", layer.cells[0])]
        return [(f"cell/cells/{name}/vars", cell) for cell, name in groups(layer.cells).items()]
    if isinstance(layer, Recurrent):
        return [("cell/vars", layer)]
    return [] if isinstance(layer, InputLayer) else [("vars", layer)]


def _below(folder: str, layer) -> list:
    return [(f"{folder}/{path}", leaf) for path, leaf in parts(layer)]
