"""Optimizers by the names and defaults of Keras, and RPROP. The steps are the engine's.

model.compile(optimizer=Adam(1e-3, clipnorm=1.0))
"""

from collections.abc import Mapping

from respnet.engine.trainer import Rule, Update

from . import schedules
from .arguments import Configured, bind, find, signature
from .gradients import apply_pairs
from .schedules import InverseTimeDecay, LearningRateSchedule

# Every optimizer takes these too. decay is Keras 1: learning_rate / (1 + decay * step).
COMMON = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "decay": 0.0,
    "name": None,
}


class Optimizer(Configured):
    """Base. ``kind`` is the engine's optimizer; ``learning_rate`` may be changed at any time."""

    kind = ""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        cls.__signature__ = signature({**COMMON, **cls.arguments})

    def __init__(self, *values, **options):
        if "lr" in options:
            options["learning_rate"] = options.pop("lr")
        table = {**self.arguments, **{n: v for n, v in COMMON.items() if n not in self.arguments}}
        self.__dict__.update(bind(type(self).__name__, table, values, options))
        self.name = self.name or type(self).__name__.lower()
        clips = [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, n)]
        if len(clips) > 1:
            raise ValueError(f"only one of clipnorm, clipvalue and global_clipnorm, got {clips}")
        if self.decay:
            self.learning_rate = InverseTimeDecay(self.learning_rate, 1, self.decay)
        self.iterations = 0

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate follows the step."""
        return isinstance(getattr(self, "learning_rate", None), LearningRateSchedule)

    @property
    def full_batch(self) -> bool:
        """Whether a step wants all rows (RPROP)."""
        return self.update().optimizer.full_batch

    @property
    def lr(self) -> float:
        return self.learning_rate

    @lr.setter
    def lr(self, value: float) -> None:
        self.learning_rate = value

    def rate(self, step: int) -> float | None:
        """The learning rate of a step; None if the optimizer has none."""
        rate = getattr(self, "learning_rate", None)
        return None if rate is None else float(rate(step) if callable(rate) else rate)

    def words(self) -> Mapping:
        """Arguments that are constants of the engine's step, in its words."""
        return {n: getattr(self, n) for n in self.arguments if n not in COMMON}

    def clipping(self, places) -> list[Rule]:
        """Rules for the engine; ``places`` are the names of the parameters."""
        rules = []
        if self.clipvalue is not None:
            rules.append(Rule("clip_value_step", (float(self.clipvalue),)))
        if self.clipnorm is not None:
            limit = (float(self.clipnorm),)
            rules += [Rule("clip_norm_step", limit, place) for place in places]
        if self.global_clipnorm is not None:
            rules.append(Rule("clip_norm_step", (float(self.global_clipnorm),)))
        return rules

    def update(self, rules=()) -> Update:
        """The engine's step with these constants, at the learning rate of the first step."""
        constants = dict(self.words())
        if "learning_rate" in constants:
            constants["learning_rate"] = self.rate(0)
        if self.weight_decay is not None:
            constants["weight_decay"] = self.weight_decay
        return Update.of(self.kind, {n: float(v) for n, v in constants.items()}, rules)

    def apply_gradients(self, grads_and_vars) -> None:
        """One step on pairs of (gradient, variable): all of the model it was compiled into."""
        apply_pairs(self, grads_and_vars)

    def get_config(self) -> dict:
        config = super().get_config()
        return config | {n: getattr(self, n) for n in COMMON if n in self.__dict__ and n != "decay"}


class SGD(Optimizer):
    kind = "sgd"
    arguments = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}


class RMSprop(Optimizer):
    arguments = {
        "learning_rate": 0.001,
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
        "centered": False,
    }

    @property
    def kind(self):
        return "rmsprop_centered" if self.centered else "rmsprop"

    def words(self):
        return {n: v for n, v in super().words().items() if n != "centered"}


_ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


class Adam(Optimizer):
    arguments = {**_ADAM, "amsgrad": False}

    @property
    def kind(self):
        return "amsgrad" if self.amsgrad else "adam"

    def words(self):
        return {n: v for n, v in super().words().items() if n != "amsgrad"}


class AdamW(Adam):
    arguments = {"learning_rate": 0.001, "weight_decay": 0.004, **_ADAM, "amsgrad": False}


class Adagrad(Optimizer):
    kind = "adagrad"
    arguments = {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7}

    def words(self):
        words = dict(super().words())
        return {"square_start": words.pop("initial_accumulator_value"), **words}


class Adadelta(Optimizer):
    kind = "adadelta"
    arguments = {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7}


class Adamax(Optimizer):
    kind = "adamax"
    arguments = _ADAM


class Nadam(Optimizer):
    kind = "nadam"
    arguments = _ADAM


class RPROP(Optimizer):
    """iRprop+ on all rows at once: no learning rate (Igel and Huesken 2000)."""

    kind = "rprop"
    arguments = {
        "increase": 1.2,
        "decrease": 0.5,
        "step_max": 50.0,
        "step_min": 1e-6,
        "step_start": 0.1,
    }


CLASSES = {
    c.__name__: c for c in (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, RPROP)
}


def get(identifier) -> Optimizer:
    """The optimizer of a name (any case), description or object."""
    return find("optimizer", identifier, CLASSES, Optimizer)


__all__ = ["Optimizer", "get", "schedules", *CLASSES]
