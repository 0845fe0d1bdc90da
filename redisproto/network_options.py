"""What a network is asked to be, as plain data: between NR.CREATE, NR.CONFIGURE and the engine.

Options are what clients set; the engine's spec follows from them and a seed.
"""

import random
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise

from respnet.engine.errors import EngineError, SpecError
from respnet.engine.losses import loss_named
from respnet.engine.optimizers import optimizer_named
from respnet.engine.original import original_spec
from respnet.engine.program import compile_program
from respnet.engine.spec import MAX_NODES, MAX_PARAMETERS, ModelSpec
from respnet.engine.training import TrainOptions

ROLES = ("classifier", "regressor")
DEFAULT, ORIGINAL = "default", "original"
HIDDEN = "tanh"
SEED_BITS = 62
FIXED_BY_ORIGINAL = ("hidden", "output", "loss", "optimizer", "constants", "batch")
SHAPING = ("hidden", "output", "normalize", "seed", "algorithm")  # new ones mean new weights


@dataclass(frozen=True)
class NetworkOptions:
    """units: (I, hidden..., O). None or 0: whatever the engine's default is."""

    units: tuple[int, ...]
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

    @property
    def parameters(self):
        """Weights and biases, counted without making any."""
        return sum((i + 1) * o for i, o in pairwise(self.units))

    def check(self):
        """EngineError if this network cannot be built or trained; nothing large is allocated."""
        check_size(self.units)
        if self.algorithm == ORIGINAL:
            changed = [name for name in FIXED_BY_ORIGINAL if getattr(self, name) != BLANK[name]]
            if changed:
                raise SpecError(f"the original algorithm has its own {changed[0]}")
        spec = self.spec(0)
        if self.role == "regressor" and loss_named(spec.loss).columns == 1:
            raise SpecError(f"loss {spec.loss} wants class numbers: it is for classifiers")
        compile_program(spec, "train")
        optimizer_named(self.optimizer, self.constants)
        return self

    def draw_seed(self):
        """The seed of the next initialisation."""
        return random.getrandbits(SEED_BITS) if self.seed is None else self.seed

    def spec(self, seed):
        """The engine's spec with initial weights from ``seed``."""
        if self.algorithm == ORIGINAL:
            return original_spec(self.units, role=self.role, scaling=self.normalize, seed=seed)
        return ModelSpec.dense(self.units, role=self.role, hidden=self.hidden, output=self.output,
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
