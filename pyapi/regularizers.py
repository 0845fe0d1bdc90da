"""Regularizers by the names of Keras: l1 * sum |w| + l2 * sum w^2, added to the loss."""

from .arguments import Configured, find


class Regularizer(Configured):
    """Base; ``factors`` is (l1, l2)."""

    @property
    def factors(self) -> tuple[float, float]:
        return float(getattr(self, "l1", 0.0)), float(getattr(self, "l2", 0.0))

    def __call__(self, w) -> float:
        l1, l2 = self.factors
        return l1 * float(abs(w).sum()) + l2 * float((w * w).sum())


class L1(Regularizer):
    arguments = {"l1": 0.01}


class L2(Regularizer):
    arguments = {"l2": 0.01}


class L1L2(Regularizer):
    arguments = {"l1": 0.0, "l2": 0.0}


l1, l2 = L1, L2


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    return L1L2(l1, l2)


def get(identifier) -> Regularizer | None:
    """The regularizer of a name, description or object; None stays None."""
    names = {"L1": L1, "L2": L2, "L1L2": L1L2, "l1_l2": l1_l2}
    return None if identifier is None else find("regularizer", identifier, names, Regularizer)
