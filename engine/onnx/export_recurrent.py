"""SimpleRNN, LSTM and GRU as the RNN, LSTM and GRU nodes of ONNX.

Ours -> theirs: weights (I,G*H) -> (1,G*H,I), sequences (B,T,N) -> (T,B,N), gates i,f,c,o ->
i,o,f,c and peepholes i,f,o -> i,o,f. ONNX knows no masks, only lengths: the steps that count are
moved to the front, the layer stops behind them, and each step of the result is fetched from where
it was made (a masked step shows the state before it).
"""

import numpy as np

from respnet.engine.onnx.export_activations import inside

ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "RNN": (0,)}  # their gates, in our numbers
PEEPHOLES = (0, 2, 1)


def layer(place):
    """Write a recurrent layer; names of its outputs."""
    w, config = place.w, place.config
    kind, states = _kind(config), place.xs[1:]
    mask = place.masks.get(place.x)
    x, backwards = place.x, config["go_backwards"]
    if mask is not None and backwards:
        x, mask = (reverse_time(w, value) for value in (x, mask))
    order = lengths = ""
    if mask is not None:
        order, lengths = _front(w, x, mask)
        x = w.node("GatherND", x, order, batch_dims=1)
    begin = [w.node("Unsqueeze", state, w.ints(0)) for state in states]
    reverse = backwards and mask is None
    y, *last = w.node(
        kind,
        w.node("Transpose", x, perm=[1, 0, 2]),
        *_weights(place, kind),
        lengths,
        *_inputs_after(place, kind, begin),
        outputs=3 if kind == "LSTM" else 2,
        hidden_size=config["units"],
        direction="reverse" if reverse else "forward",
        **_attributes(config, kind),
    )
    last = [w.node("Squeeze", state, w.ints(0)) for state in last]
    if states and mask is not None:
        last = _kept(w, lengths, states, last)
    first = last[0]
    if config["return_sequences"]:
        y = w.node("Transpose", w.node("Squeeze", y, w.ints(1)), perm=[1, 0, 2])
        first = reverse_time(w, y) if reverse else y  # ours come in the order they were made
        if mask is not None:
            first = _spread(place, y, mask, states)
            place.masks[first] = mask  # in the order of the outputs
    return [first, *last] if config["return_state"] else [first]


def _kind(config) -> str:
    if "peephole" in config:
        return "LSTM"
    return "GRU" if "reset_after" in config else "RNN"


def _inputs_after(place, kind: str, begin: list[str]) -> list[str]:
    """First states and peepholes; "" stands for what is not given."""
    wanted = 2 if kind == "LSTM" else 1
    begin = begin or [""] * wanted
    if "peephole" not in place.p:
        return begin if any(begin) else []
    peephole = place.p["peephole"][list(PEEPHOLES)].reshape(1, -1)
    return [*begin, place.w.constant(peephole, "peephole")]


def _weights(place, kind: str) -> list[str]:
    """W (1,G*H,I), R (1,G*H,H), B (1,2*G*H)"""
    w, units = place.w, place.config["units"]

    def arranged(array):  # gates along the last axis
        gates = np.split(array, len(ORDER[kind]), axis=-1)
        return np.concatenate([gates[i] for i in ORDER[kind]], axis=-1)

    kernels = [arranged(place.p[name]).T[None] for name in ("kernel", "recurrent_kernel")]
    bias = np.zeros((2, len(ORDER[kind]) * units))
    if "bias" in place.p and place.p["bias"].ndim == 1:
        bias[0] = arranged(place.p["bias"])
    elif "bias" in place.p:
        bias[:] = arranged(place.p["bias"])
    arrays = {"kernel": kernels[0], "recurrent_kernel": kernels[1], "bias": bias.reshape(1, -1)}
    return [w.constant(array, name) for name, array in arrays.items()]


def _attributes(config, kind: str) -> dict:
    act, gate = config["activation"], config.get("recurrent_activation")
    found = inside({"RNN": [act], "GRU": [gate, act], "LSTM": [gate, act, act]}[kind])
    if kind == "GRU":
        found["linear_before_reset"] = int(config["reset_after"])
    return found


def reverse_time(w, x: str) -> str:
    """x (B,T,...) with its steps turned round."""
    return w.node("Slice", x, w.ints(-1), w.ints(-(2**62)), w.ints(1), w.ints(-1))


def _front(w, x: str, mask: str) -> tuple[str, str]:
    """(order (B,T,1) with the steps that count first, how many count (B))

    The key of step t is T - t if it counts, else -t: all differ, so sorting has one result.
    """
    counts = w.node("Cast", mask, to=7)
    times = w.node("Shape", x, start=1, end=2)
    steps = w.node("Range", w.number(0), w.node("Squeeze", times, w.ints(0)), w.number(1))
    keys = w.node("Sub", w.node("Mul", counts, times), steps)
    _, order = w.node("TopK", keys, times, outputs=2, axis=1)
    lengths = w.node("ReduceSum", counts, w.ints(1), keepdims=0)
    return w.node("Unsqueeze", order, w.ints(2)), w.node("Cast", lengths, to=6)


def _kept(w, lengths: str, states: list[str], last: list[str]) -> list[str]:
    """Of rows where no step counts the first states; onnxruntime gives 0."""
    none = w.node("Unsqueeze", w.node("Equal", lengths, w.number(np.int32(0))), w.ints(1))
    pairs = zip(states, last, strict=True)
    return [w.node("Where", none, before, after) for before, after in pairs]


def _spread(place, y: str, mask: str, states: list[str]) -> str:
    """y (B,T,H) as made -> for every step what was made last: number 0 is the first state."""
    w, units = place.w, place.config["units"]
    if states:
        start = w.node("Unsqueeze", states[0], w.ints(1))
    else:
        rows = w.node("Shape", y, start=0, end=1)
        shape = w.node("Concat", rows, w.ints(1, units), axis=0)
        start = w.node("ConstantOfShape", shape, value=np.zeros(1, w.dtype))
    made = w.node("Concat", start, y, axis=1)
    number = w.node("CumSum", w.node("Cast", mask, to=7), w.number(1))
    return w.node("GatherND", made, w.node("Unsqueeze", number, w.ints(2)), batch_dims=1)
