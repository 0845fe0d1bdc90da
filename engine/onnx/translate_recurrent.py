"""RNN, LSTM and GRU nodes of ONNX as recurrent layers of a spec (the way back of the export)."""

from dataclasses import replace

import numpy as np

from respnet.engine.onnx.export_activations import INSIDE
from respnet.engine.onnx.export_recurrent import ORDER, PEEPHOLES
from respnet.engine.onnx.translate import BATCH, RNN_H, RNN_Y, TIME, NotPlain, Value, Zeros

KINDS = {"RNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}
DEFAULTS = {
    "RNN": ["Tanh"],
    "GRU": ["Sigmoid", "Tanh"],
    "LSTM": ["Sigmoid", "Tanh", "Tanh"],
}


def _recurrent(walk, node, x, w, r, *others):
    b, lengths, *rest = (*others, *[None] * 5)[:5]
    states, peephole = (rest[:2], rest[2]) if node.kind == "LSTM" else (rest[:1], None)
    get = node.attributes.get
    direction = get("direction", b"forward")
    if lengths is not None or direction == b"bidirectional" or get("layout", 0) or get("clip"):
        raise NotPlain("lengths of rows, two directions or another layout")
    if not isinstance(x, Value) or x.axes != TIME or len(x.shape) != 2:
        raise NotPlain("its input is no sequence (T,B,I)")
    used = [bool(name) and walk.uses.get(name, 0) > 0 for name in node.outputs]
    config = _config(node, w, r, b, peephole) | {
        "return_sequences": used[0],
        "return_state": sum(used) > 1 or any(used[2:]),
        "go_backwards": direction == b"reverse",
    }
    begin = _begin(states)
    inputs = [replace(x, axes=BATCH), *begin]
    made = walk.layer(KINDS[node.kind], inputs, config, _weights(node, w, r, b, peephole))
    return _outputs(walk, node, made, config)


def _config(node, w, r, b, peephole) -> dict:
    config = {"units": r.shape[-1], "use_bias": b is not None, **_activations(node)}
    if node.kind == "GRU":
        config["reset_after"] = bool(node.attributes.get("linear_before_reset", 0))
    if node.kind == "LSTM":
        config["peephole"] = peephole is not None
        if node.attributes.get("input_forget", 0):
            raise NotPlain("input_forget")
    return config


def _activations(node) -> dict:
    """The words of the layer for the activations of the node."""
    names = node.attributes.get("activations")
    names = [n.decode("ascii", "replace") for n in names] if names else DEFAULTS[node.kind]
    numbers = {
        key: list(node.attributes.get(f"activation_{key}", [])) for key in ("alpha", "beta")
    }
    ours = []
    for name in names:
        same = [k for k, (word, *_) in INSIDE.items() if word.lower() == name.lower()]
        if not same:
            raise NotPlain(f"activation {name}")
        for key, want in zip(numbers, INSIDE[same[0]][1:], strict=True):
            got = numbers[key].pop(0) if want is not None and numbers[key] else want
            if want is not None and abs(got - want) > 1e-6:
                raise NotPlain(f"activation {name} with {key} {got}")
        ours.append(same[0])
    if len(ours) != len(DEFAULTS[node.kind]) or len(set(ours[1:])) > 1:
        raise NotPlain(f"activations {names}")
    if node.kind == "RNN":
        return {"activation": ours[0]}
    return {"recurrent_activation": ours[0], "activation": ours[1]}


def _begin(states) -> list[Value]:
    """First states that are values; zeros are none at all."""
    given = [s for s in states if not (s is None or isinstance(s, Zeros) or _all_zero(s))]
    if not given:
        return []
    if len(given) != len(states) or not all(isinstance(s, Value) for s in given):
        raise NotPlain("first states that are constants")
    if any(state.axes != RNN_H for state in given):
        raise NotPlain("first states that are not (1,B,H)")
    return [replace(state, axes=BATCH) for state in given]


def _all_zero(value) -> bool:
    return isinstance(value, np.ndarray) and not value.any()


def _weights(node, w, r, b, peephole) -> dict:
    order = np.argsort(ORDER[node.kind])

    def arranged(array):
        gates = np.split(array, len(order), axis=-1)
        return np.concatenate([gates[i] for i in order], axis=-1)

    found = {"kernel": arranged(w[0].T), "recurrent_kernel": arranged(r[0].T)}
    if b is not None:
        both = arranged(b[0].reshape(2, -1))
        after = node.kind == "GRU" and node.attributes.get("linear_before_reset", 0)
        found["bias"] = both if after else both.sum(axis=0)
    if peephole is not None:
        found["peephole"] = peephole[0].reshape(3, -1)[list(np.argsort(PEEPHOLES))]
    return found


def _outputs(walk, node, made: list[Value], config) -> list:
    """Y, Y_h and Y_c of the node, as far as the layer gives them."""
    first, *states = made
    if not config["return_sequences"]:
        states = states or [first]
    elif config["go_backwards"]:
        (first,) = walk.layer("reverse_time", [first], {})
    return [replace(first, axes=RNN_Y), *(replace(state, axes=RNN_H) for state in states)]


def last_step(walk, node, x, axis: int, index: int, drops: bool):
    """The last step of a sequence: what the layer gives without return_sequences."""
    time = {BATCH: 1, TIME: 0}.get(x.axes)
    owner = walk.alone(node.inputs[0], x, *KINDS.values())
    last = -1 if owner is None or not owner.config["go_backwards"] else None
    if axis != time or not drops or index != last or not owner.config["return_sequences"]:
        raise NotPlain("a step of a sequence that is not the last of a recurrent layer")
    if owner.config["return_state"]:
        raise NotPlain("the last step beside the states")
    return walk.change(owner, x, return_sequences=False)


HANDLERS = dict.fromkeys(KINDS, _recurrent)
