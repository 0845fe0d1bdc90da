"""What a network is asked to be, as plain data: between NR.CREATE, NR.CONFIGURE and the engine.

Options are what clients set; the engine's spec follows from them and a seed.
"""

import random
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from math import prod

from respnet.engine.errors import EngineError, LimitError, SpecError
from respnet.engine.layer_words import (
    has_states,
    network_spec,
    row_shape,
    training_defaults,
    word_count,
)
from respnet.engine.losses import loss_named
from respnet.engine.optimizers import optimizer_named
from respnet.engine.original import original_spec
from respnet.engine.program import compile_program
from respnet.engine.spec import MAX_NODES, MAX_PARAMETERS
from respnet.engine.stepping import step_spec
from respnet.engine.training import TrainOptions

ROLES = ("classifier", "regressor")
DEFAULT, ORIGINAL = "default", "original"
HIDDEN = "tanh"
SEED_BITS = 62
FIXED_BY_ORIGINAL = ("hidden", "output", "loss", "optimizer", "constants", "batch")
MAX_ROW = 1 << 24  # numbers a network of sequences computes with for each row
SHAPING = ("hidden", "output", "normalize", "seed", "algorithm")  # new ones mean new weights


@dataclass(frozen=True)
class NetworkOptions:
    """units: (inputs, layers..., outputs) as ``layer_words.py`` writes them: numbers, or words.
    None or 0: whatever the engine's default is.
    """

    units: tuple[int | str, ...]
    role: str
    normalize: bool = False
    hidden: str = HIDDEN
    output: str | None = None
    loss: str | None = None
    optimizer: str = "rprop"
    constants: dict[str, float] = field(default_factory=dict)
    batch: int = 0  # rows of a batch; 0: all
    seed: int | None = None  # None: another one at each initialisation
    algorithm: str = DEFAULT

    @classmethod
    def of_new(cls, units, role, normalize):
        """The options of a network just made."""
        training = training_defaults(units)
        if training:
            training["batch"] = training.pop("batch_size")
        return cls(units, role, normalize, **training)

    @property
    def inputs(self):
        """Numbers of a row: T*I of a sequence."""
        return prod(row_shape(self.units[0]))

    @property
    def outputs(self):
        return self.units[-1]

    @property
    def worded(self):
        """Whether there is more than dense layers and numbers."""
        return any(isinstance(word, str) for word in self.units)

    @property
    def recurrent(self):
        return has_states(self.units)

    @property
    def words(self):
        """How many words the inputs are numbers of; 0: they are plain numbers."""
        return word_count(self.units)

    def check(self):
        """EngineError if this network cannot be built or trained; nothing large is allocated."""
        if not self.worded:
            check_size(self.units)
        if self.algorithm == ORIGINAL:
            if self.worded:
                raise SpecError("the original algorithm knows dense layers only")
            changed = [name for name in FIXED_BY_ORIGINAL if getattr(self, name) != BLANK[name]]
            if changed:
                raise SpecError(f"the original algorithm has its own {changed[0]}")
        spec = self.spec(0)
        loss, last = loss_named(spec.loss), spec.nodes[-1].config.get("activation")
        if self.role == "regressor" and loss.columns == 1:
            raise SpecError(f"loss {spec.loss} wants class numbers: it is for classifiers")
        if loss.fuses and last != loss.fuses:
            raise SpecError(f"loss {spec.loss} wants an output activation {loss.fuses}")
        self.check_program(spec)
        optimizer_named(self.optimizer, self.constants)
        return self

    def check_program(self, spec):
        """What is computed is known before anything is allocated."""
        try:
            program = compile_program(spec, "train")
        except LimitError:
            raise SpecError(f"a neural network has at most {MAX_PARAMETERS} weights") from None
        if self.recurrent:
            check_row(program)
            step_spec(spec)

    def draw_seed(self):
        """The seed of the next initialisation."""
        return random.getrandbits(SEED_BITS) if self.seed is None else self.seed

    def spec(self, seed):
        """The engine's spec with initial weights from ``seed``."""
        if self.algorithm == ORIGINAL:
            return original_spec(self.units, role=self.role, scaling=self.normalize, seed=seed)
        return network_spec(self.units, role=self.role, hidden=self.hidden, output=self.output,
                            loss=self.loss, scaling=self.normalize, seed=seed)

    def train_options(self, **limits):
        """TrainOptions with the limits of one NR.TRAIN."""
        if self.algorithm == ORIGINAL:
            return TrainOptions(exact_original=True, **limits)
        return TrainOptions(optimizer=self.optimizer, constants=self.constants,
                            batch_size=self.batch or None, **limits)

    def changed(self, **values):
        """These options with others put over them, checked."""
        return replace(self, **values).check()

    def keeps_weights(self, other):
        """Whether weights of these options are weights of the others too."""
        return all(getattr(self, name) == getattr(other, name) for name in SHAPING)

    def to_dict(self):
        """Plain data (JSON)."""
        return {**asdict(self), "units": list(self.units)}

    @classmethod
    def from_dict(cls, data):
        """What ``to_dict`` wrote; ValueError for anything else."""
        unknown = set(data) ^ {row.name for row in fields(cls)}
        if unknown:
            raise ValueError(f"a network's options lack or do not know {sorted(unknown)}")
        options = cls(**{**data, "units": tuple(data["units"])})
        try:
            return options.check()
        except (EngineError, TypeError) as error:
            raise ValueError(f"a network's options make no network: {error}") from None


BLANK = {row.name: row.default for row in fields(NetworkOptions)} | {"constants": {}}


def check_size(units):
    """SpecError for networks above the limits, before anything is made of them."""
    if len(units) > MAX_NODES:
        raise SpecError(f"a neural network has at most {MAX_NODES} layers, got {len(units)}")
    weights = sum((i + 1) * o for i, o in pairwise(units))
    if weights > MAX_PARAMETERS:
        raise SpecError(f"a neural network has at most {MAX_PARAMETERS} weights, got {weights}")


def row_numbers(program):
    """How many numbers a program computes with for each row, at most."""
    buffers = {o for step in program.steps for o in step.operands if o is not None and o.rows}
    return sum(buffer.columns for buffer in buffers)


def check_row(program):
    """SpecError if a row of sequences takes too much memory."""
    numbers = row_numbers(program)
    if numbers > MAX_ROW:
        raise SpecError(f"a neural network has at most {MAX_ROW} numbers at work for a row, "
                        f"got {numbers}")
