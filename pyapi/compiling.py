"""What a model has while it learns: optimizer, loss, scores, and the engine's session.

The weights live in one place at a time: in the session while it trains, and from ``sync`` on also
in the network that predicts.
"""

from dataclasses import replace

import numpy as np

from respnet.engine import LossTerm
from respnet.engine.params import Layout
from respnet.engine.session import Session
from respnet.engine.trainer import Rule

from . import losses, optimizers
from .arguments import bind, signed
from .feeding import first_of
from .loop import COMPILE
from .per_output import losses_of, metrics_of, weights_of
from .scores import OutputScores, Scores


class Compiled:
    """Part of a model with ``network``, ``output_names`` and ``_seed``. ``losses``: of each output,
    None where it has none.
    """

    def _start_training_state(self) -> None:
        self.optimizer: optimizers.Optimizer | None = None
        self.stop_training = False
        self._wanted: dict | None = None
        self._drop_session()

    def _drop_session(self) -> None:
        self._session, self._scores, self._stale, self._resume = None, None, False, None
        self.rng, self.losses = None, []

    # --- compile ----------------------------------------------------------------------------

    @signed(COMPILE, "self")
    def compile(self, *values, **options) -> None:
        """Choose optimizer, loss and metrics; the state of an optimizer before is forgotten."""
        self._wanted = bind("compile", COMPILE, values, options)
        self.optimizer = optimizers.get(self._wanted["optimizer"])
        if self.built:
            self._take_losses()

    @property
    def loss(self):
        """What the model was compiled with: a Loss, or {output: Loss} of several outputs."""
        if len(self.losses) < 2:
            return self.losses[0] if self.losses else None
        return {n: o for n, o in zip(self.output_names, self.losses, strict=True) if o} or None

    def _take_losses(self) -> None:
        """The network anew with losses and frozen layers in its spec, and the weights there are."""
        names, wanted = self.output_names, self._wanted
        found = [
            each if each is None else losses.trained(each)
            for each in losses_of(wanted["loss"], names)
        ]
        weights = weights_of(wanted["loss_weights"], names)
        vector, before = self.current_vector(), self.network.layout
        self._drop_session()
        self.losses = found
        outputs = self.spec.outputs
        terms = tuple(
            LossTerm(outputs[i], loss.engine, loss.term_options(), weights[i])
            for i, loss in enumerate(found)
            if loss is not None
        )
        spec = replace(self.spec, nodes=self.marked_nodes(self.spec.nodes), loss=terms or "mse")
        vector = Layout(spec).moved(vector, before)
        self.network = self.placed(spec, vector)

    def _ready(self, x=None) -> None:
        """Built for rows like x, compiled, with the losses in the network."""
        if self.optimizer is None:
            raise ValueError(f"model {self.name} must be compiled before it is trained or judged")
        if not self.built:
            self.build(self.shapes_of(x if self._traces() else first_of(x)))
        if len(self.losses) != len(self.outputs):
            self._take_losses()
        if not any(self.losses):
            raise ValueError("compile wants a loss to train")
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
            wanted = [self.metrics_wanted(key) for key in ("metrics", "weighted_metrics")]
            self._scores = self._scores_of(*wanted)
        return self._scores

    def metrics_wanted(self, key: str) -> list[list]:
        """What compile was told of "metrics" or "weighted_metrics", of each output."""
        return metrics_of(self._wanted[key], self.output_names, key, self.judged())

    def judged(self) -> list[int]:
        """Numbers of the outputs with a loss."""
        return [i for i, loss in enumerate(self.losses) if loss is not None]

    def _scores_of(self, wanted: list[list], weighted: list[list]) -> Scores:
        """Scores with these metrics of each output."""
        spec, names = self.spec, self.output_names
        terms = {term.output: term for term in spec.terms} if any(self.losses) else {}
        outputs = []
        for i, name in enumerate(names):
            output = spec.outputs[i]
            prefix = f"{name}_" if len(names) > 1 else ""
            units = self.network.layout.shapes[output][-1]
            term = terms.get(output)
            outputs.append(OutputScores(output, prefix, units, term, wanted[i], weighted[i]))
        return Scores(outputs)

    def _fresh_scores(self) -> Scores:
        """The same metrics, for a pass of its own."""
        outputs = self.scores.outputs
        return self._scores_of([o.metrics for o in outputs], [o.weighted for o in outputs])

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

