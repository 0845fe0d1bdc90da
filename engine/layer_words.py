"""Networks as words: what NR.CREATE and ``respnet.Network`` are told, as a spec.

    30x4 LSTM:50 3             30 steps of 4 numbers, 50 LSTM units, 3 outputs
    150 EMBED:10000:32 GRU:64 5     the numbers of 150 words out of 10000

Inputs come first: a number of them, or TxI. A whole number after it is a dense layer; other words
are the rows of WORDS, in any case. A recurrent layer before another one hands on its sequence, the
last one its last step.
"""

import re
from dataclasses import dataclass

from respnet.engine import activations
from respnet.engine.errors import SpecError, unknown
from respnet.engine.layers import LAYERS
from respnet.engine.layers.recurrent import Recurrent
from respnet.engine.spec import MAX_NODES, ModelSpec

MAX_WORDS = 1 << 24  # the numbers of more words are not exact in float32
# Drawing an orthogonal matrix takes the cube of its units: 13 ms for these, 0.6 s for 512, in which
# a server answers nobody. Wider layers begin with glorot_uniform.
ORTHOGONAL_UNITS = 128
COUNT = re.compile(r"[1-9][0-9]{0,18}")
SEQUENCE = re.compile(rf"({COUNT.pattern})X({COUNT.pattern})")


@dataclass(frozen=True)
class Word:
    """A kind of layer: the sizes its word gives and the arguments they are, and what one more word
    after them changes."""

    kind: str
    sizes: dict[str, str]
    options: dict[str, dict]

    def usage(self, name: str) -> str:
        shown = ":".join([name, *self.sizes])
        return shown + (f"[:{'|'.join(self.options)}]" if self.options else "")


_UNITS, _EMBED = {"units": "units"}, {"words": "input_dim", "units": "output_dim"}
_ACTIVATIONS = {name.upper(): {"activation": name} for name in activations.NAMES}
WORDS = {
    "RNN": Word("simple_rnn", _UNITS, {}),
    "LSTM": Word("lstm", _UNITS, {"PEEPHOLE": {"peephole": True}}),
    "GRU": Word("gru", _UNITS, {"BEFORE": {"reset_after": False}}),
    "EMBED": Word("embedding", _EMBED, {"MASK": {"mask_zero": True}}),
    "DENSE": Word("dense", _UNITS, _ACTIVATIONS),
}


def input_word(word: int | str | tuple[int, int]) -> int | str:
    """A number of inputs, or (T, I) or TxI as ``TxI``; SpecError for anything else."""
    if isinstance(word, (tuple, list)):
        word = "x".join(map(str, word))
    if isinstance(word, str) and SEQUENCE.fullmatch(word.upper()):
        return word.lower()
    return _units(word)


def layer_word(word: int | str) -> int | str:
    """A layer as it is written: units as int, else its word in capitals."""
    if not isinstance(word, str) or ":" not in word:
        return _units(word)
    kind, config = _layer(word)
    plain = kind == "dense" and "activation" not in config
    return config["units"] if plain else word.upper()


def written(units) -> tuple:
    """(inputs, layers..., outputs) as ``input_word`` and ``layer_word`` write them."""
    if len(units) < 2 or all(isinstance(word, int) for word in units):
        return tuple(units)  # a dense network: ModelSpec.dense judges it
    return (input_word(units[0]), *map(layer_word, units[1:-1]), _units(units[-1]))


def _units(word) -> int:
    if not isinstance(word, bool) and COUNT.fullmatch(str(word)):
        return int(word)
    raise SpecError(f"wanted a positive number or the word of a layer, got {word!r}")


def row_shape(word: int | str) -> tuple[int, ...]:
    """Shape of one row of the inputs: (I) or (T,I)."""
    return (word,) if isinstance(word, int) else tuple(map(int, word.split("x")))


def step_shape(word: int | str) -> tuple[int, ...]:
    """Shape of the inputs of one step: (I), and (1) where they are numbers of words."""
    return row_shape(word)[1:] or (1,)


def _layer(word: int | str) -> tuple[str, dict]:
    """(kind, config) of a layer."""
    if isinstance(word, int):
        return "dense", {"units": word}
    name, *parts = word.upper().split(":")
    if name not in WORDS:
        raise SpecError(unknown("layer", name, WORDS))
    row = WORDS[name]
    count = len(row.sizes)
    sizes, option = parts[:count], parts[count:]
    known = len(option) <= 1 and all(part in row.options for part in option)
    if len(sizes) < count or not all(map(COUNT.fullmatch, sizes)) or not known:
        raise SpecError(f"layer {word!r} should be {row.usage(name)}")
    config = dict(zip(row.sizes.values(), map(int, sizes), strict=True))
    return row.kind, config | (row.options[option[0]] if option else {})


def network_spec(
    units,
    *,
    role: str,
    hidden: str = "tanh",
    output: str | None = None,
    loss: str | None = None,
    **options,
) -> ModelSpec:
    """The spec of ``units`` = (inputs, layers..., outputs), each as ``input_word`` and
    ``layer_word`` write it; the other arguments are those of ``ModelSpec.dense``.
    """
    if all(isinstance(word, int) for word in units):
        return ModelSpec.dense(
            units, role=role, hidden=hidden, output=output, loss=loss, **options
        )
    if len(units) > MAX_NODES:
        raise SpecError(f"a neural network has at most {MAX_NODES} layers, got {len(units)}")
    layers = [_layer(word) for word in units[1:-1]]
    _check(units, layers, options.get("scaling", False))
    output = output or ("softmax" if role == "classifier" else "linear")
    layers.append(("dense", {"units": units[-1], "activation": output}))
    loss = loss or ("sparse_crossentropy" if role == "classifier" else "mse")
    shaped = _configured(layers, hidden)
    return ModelSpec.chain(row_shape(units[0]), shaped, role=role, loss=loss, **options)


def _recurrent(kind: str) -> bool:
    return issubclass(LAYERS[kind], Recurrent)


def _check(units, layers, scaling: bool) -> None:
    """SpecError where the words do not follow from each other."""
    kinds = [kind for kind, _ in layers]
    words = kinds[:1] == ["embedding"]
    if "embedding" in kinds[words:] or (words and len(row_shape(units[0])) == 2):
        raise SpecError("EMBED is the first layer, behind the number of words in a row")
    if words and layers[0][1]["input_dim"] > MAX_WORDS:
        raise SpecError(f"EMBED has at most {MAX_WORDS} words, got {layers[0][1]['input_dim']}")
    if words and scaling:
        raise SpecError("the numbers of words cannot be scaled: leave out NORMALIZE")
    sequence, recurrent = words or len(row_shape(units[0])) == 2, any(map(_recurrent, kinds))
    if sequence and not recurrent:
        raise SpecError("sequences need a recurrent layer: RNN, LSTM or GRU")
    if recurrent and not sequence:
        raise SpecError(f"recurrent layers need sequences: TxI inputs, or {units[0]} EMBED:words:"
                        f"units; got {units[0]} inputs")


def _configured(layers, hidden: str) -> list:
    """The layers with all they need: initial weights, activations, which sequences they return."""
    last = max((i for i, (kind, _) in enumerate(layers) if _recurrent(kind)), default=-1)
    kernels = {} if last >= 0 else {"kernel_initializer": "small_uniform"}  # suits RPROP
    shaped = []
    for i, (kind, config) in enumerate(layers):
        if kind == "dense":
            config = {**config, "activation": config.get("activation", hidden), **kernels}
        elif _recurrent(kind):
            config = {**config, "return_sequences": i < last}
            if config["units"] > ORTHOGONAL_UNITS:
                config["recurrent_initializer"] = "glorot_uniform"
        shaped.append((kind, config))
    return shaped


def training_defaults(units) -> dict:
    """Arguments of TrainOptions that suit a network: recurrent ones learn by Adam in minibatches,
    which was faster and surer than RPROP on every task measured (docs/nr.md)."""
    if not has_states(units):
        return {}
    return {"optimizer": "adam", "constants": {"learning_rate": 0.005}, "batch_size": 32}


def word_count(units) -> int:
    """How many words an EMBED layer knows; 0 without one."""
    kind, config = _layer(units[1])
    return config["input_dim"] if kind == "embedding" else 0


def has_states(units) -> bool:
    """Whether a layer is recurrent."""
    return any(_recurrent(_layer(word)[0]) for word in units[1:])
