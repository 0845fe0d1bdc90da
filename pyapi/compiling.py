"""What a model has while it learns: optimizer, loss, scores, and the engine's session.

The weights live in one place at a time: in the session while it trains, and from ``sync`` on also
in the network that predicts.
"""

from dataclasses import replace

import numpy as np

from respnet.engine import Model as Network
from respnet.engine.session import Session
from respnet.engine.trainer import Rule

from . import losses, optimizers
from .arguments import bind, signed
from .loop import COMPILE
from .scores import Scores


class Compiled:
    """Part of a model with ``network`` and ``_seed``."""

    def _start_training_state(self) -> None:
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.stop_training = False
        self._wanted: dict | None = None
        self._drop_session()

    def _drop_session(self) -> None:
        self._session, self._scores, self._stale, self._resume = None, None, False, None
        self.rng = None

    # --- compile ----------------------------------------------------------------------------

    @signed(COMPILE, "self")
    def compile(self, *values, **options) -> None:
        """Choose optimizer, loss and metrics; the state of an optimizer before is forgotten."""
        wanted = bind("compile", COMPILE, values, options)
        self.optimizer = optimizers.get(wanted["optimizer"])
        self._wanted = {**wanted, "loss": self._only_loss(wanted["loss"])}
        if self._wanted["loss"] is not None:
            self.loss = losses.get(self._wanted["loss"])
        if self.built:
            self._take_loss()

    @staticmethod
    def _only_loss(loss):
        """The loss of the first output; others are read only."""
        if isinstance(loss, dict) and "class" not in loss:
            loss = list(loss.values())
        if isinstance(loss, (list, tuple)):
            if any(other is not None for other in loss[1:]):
                raise ValueError("only the first output can have a loss; give the others None")
            loss = loss[0]
        return loss

    def _take_loss(self) -> None:
        """The network anew with the loss in its spec, and the weights there are."""
        vector = self.current_vector()
        self._drop_session()
        if self.loss is not None:
            spec = replace(self.spec, loss=self.loss.spec)
            self.network = Network(spec, threads=self.threads, vector=vector)

    def _ready(self, x=None) -> None:
        """Built for rows like x, compiled, with the loss in the network."""
        if self.optimizer is None:
            raise ValueError(f"model {self.name} must be compiled before it is trained or judged")
        if not self.built:
            self.build((None, *np.shape(x)[1:]) if np.ndim(x) > 1 else (None, 1))
        if self.loss is None:
            raise ValueError("compile wants a loss to train")
        if self.network.spec.loss != self.loss.spec:
            self._take_loss()
        self._borrow()

    @property
    def session(self) -> Session:
        """The engine's training of this model; made when first needed."""
        if self._session is None:
            update = self.optimizer.update(self._rules())
            options = {"seed": self._seed, "watch": self.scores.watch}
            self._session = Session(self.network, update, **options)
            self.rng = self.rng or np.random.default_rng(self._seed)
            if self._resume is not None:
                self._session.restore(self._resume)
        return self._session

    def penalties(self) -> dict[str, tuple[float, float]]:
        """Parameter -> (l1, l2), of layers with regularizers."""
        found = {}
        for leaf in self.leaves():
            wanted = leaf.regularizers() if hasattr(leaf, "regularizers") else {}
            for name in self.parameter_names(leaf):
                if name.rpartition("/")[2] in wanted:
                    found[name] = wanted[name.rpartition("/")[2]].factors
        return found

    def _rules(self) -> list[Rule]:
        """What is done to gradients: penalties, then clipping."""
        layout = self.network.layout
        rules = [Rule("penalty_step", f, name) for name, f in self.penalties().items()]
        trainable = [n for n, place in layout.places.items() if place.offset < layout.trainable]
        return rules + self.optimizer.clipping(trainable)

    def penalty(self) -> float:
        """What the regularizers add to the loss."""
        vector = self._session.vector if self._session else self.network.weights.vector
        total = 0.0
        for name, (l1, l2) in self.penalties().items():
            w = np.asarray(self.network.layout.view(vector, name), np.float64)
            total += l1 * float(np.abs(w).sum()) + l2 * float((w * w).sum())
        return total

    @property
    def scores(self) -> Scores:
        if self._scores is None:
            names = [self._wanted[key] or () for key in ("metrics", "weighted_metrics")]
            self._scores = Scores(self.network, *(_flat(name) for name in names))
        return self._scores

    @property
    def metrics_names(self) -> list[str]:
        return self.scores.names

    def reset_metrics(self) -> None:
        self.scores.reset()

    # --- weights between session and network ------------------------------------------------

    def current_vector(self) -> np.ndarray:
        """A copy of the weights as they are now."""
        self._borrow()
        source = self._session.vector if self._session else self.network.weights.vector
        return np.array(source)

    def put_vector(self, vector: np.ndarray) -> None:
        self.network.swap(vector)
        self._stale = False
        self._claim()
        if self._session:
            self._session.vector[:] = vector
            self._session.changed()

    def sync(self) -> None:
        """Let the network answer with the weights as trained."""
        self._borrow()
        if self._stale:
            self.network.swap(self._session.vector)
            self._stale = False

    def trained(self, steps: int) -> None:
        """Note steps done."""
        self.optimizer.iterations += steps
        self._stale = True
        self._claim()

    def set_rate(self) -> None:
        """Give the session the learning rate of the next step."""
        rate = self.optimizer.rate(self.optimizer.iterations)
        if rate is not None and rate != self.session.constants["learning_rate"]:
            self.session.set_constants(learning_rate=rate)


def _flat(names) -> list:
    """Metrics as one list: [...], {"output": [...]}, [[...]] and single ones."""
    if isinstance(names, dict):
        names = list(names.values())
    if not isinstance(names, (list, tuple)):
        return [names]
    return [metric for name in names for metric in _flat(name)]
