"""When a training that watches a test set ends, and which of its weights are kept.

`AutoStop` is a patience rule. Training goes on while the test loss makes progress; the patience
grows with the epochs it took to come this far, so that slow tasks get their time and the plateau
at the start is survived. Kept are the *latest* weights whose test loss is about the best one: a
test set is small, its minimum is early and noisy, and weights trained longer at the same loss did
better on held-out rows of every task measured (`bench/accuracy.py`).
"""

from dataclasses import dataclass
from math import inf, isfinite, sqrt

FLOOR = {"regressor": 1e-6, "classifier": 1e-3}  # of the loss: 1/1000 of the targets' spread


@dataclass(frozen=True)
class Verdict:
    """After a look at the test set: take these weights as the ones to keep? stop, and why?"""

    keep: bool
    stop: str | None = None


class AutoStop:
    """Patience on the progress of the error: the larger of training and test loss.

    The larger one, because a few test rows may look good by chance before anything is learned.
    patience: epochs without progress, or ``growth`` times the epochs so far if that is more;
    overfit_patience: the same while the error is above what is kept. progress: the part of the
    error that must go. tolerance: weights are kept up to this part above the best error. floor:
    an error below it ends the training as learned. most: epochs, for errors that fall for ever.
    """

    def __init__(
        self,
        tolerance: float,
        floor: float = 0.0,
        *,
        patience: int = 250,
        overfit_patience: int = 50,
        growth: float = 0.5,
        progress: float = 0.02,
        most: int = 30_000,
    ):
        self.tolerance, self.floor, self.growth, self.progress = tolerance, floor, growth, progress
        self.patience, self.overfit_patience, self.most = patience, overfit_patience, most
        self.best, self.best_epoch, self.overfitting = inf, 0, False
        self._mark, self._mark_epoch = inf, 0

    @staticmethod
    def tolerance_of(rows: int) -> float:
        """About the relative error of a mean loss over ``rows`` test rows: 5 % for 200."""
        return 1 / sqrt(2 * rows)

    def next_look(self, epoch: int) -> int:
        """The epoch to look at the test set next: every one, later every hundredth part."""
        return epoch + max(1, epoch // 128)

    def see(self, epoch: int, loss: float, test_loss: float) -> Verdict:
        """loss: of the training rows; test_loss: of the test rows, after ``epoch`` epochs."""
        error = max(loss, test_loss)
        if not isfinite(error):
            return Verdict(False, "diverged")
        if error < self.best:
            self.best, self.best_epoch = error, epoch
        if error < self._mark * (1 - self.progress):
            self._mark, self._mark_epoch = error, epoch
        self.overfitting = error > self.best * (1 + self.tolerance)
        return Verdict(not self.overfitting, self._reason(epoch, error))

    def _reason(self, epoch: int, error: float) -> str | None:
        if error < self.floor:
            return "learned"
        patience = self.overfit_patience if self.overfitting else self.patience
        waited = epoch - self._mark_epoch
        if epoch < self.most and waited < max(patience, self.growth * self._mark_epoch):
            return None
        return "overfitting" if self.overfitting else "plateau"


class OriginalStop:
    """AUTOSTOP of the original: five strikes of a falling training and a rising test error.

    A strike more if both happen against the epoch before, otherwise one less; a new best test
    error clears them. backtrack: keep the weights of the best test error instead of the last.
    """

    STRIKES, SMALL = 5, 1e-15

    def __init__(self, backtrack: bool = False):
        self.backtrack = backtrack
        self.best, self.best_epoch, self.overfitting = inf, 0, False
        self._strikes, self._before = 0, (inf, inf)

    def next_look(self, epoch: int) -> int:
        return epoch + 1

    def see(self, epoch: int, loss: float, test_loss: float) -> Verdict:
        """As `AutoStop.see`."""
        before, self._before = self._before, (loss, test_loss)
        if loss < before[0] and test_loss > before[1]:
            self._strikes += 1
        elif self._strikes:
            self._strikes -= 1
        improved = test_loss < self.best
        if improved:
            self.best, self.best_epoch, self._strikes = test_loss, epoch, 0
        self.overfitting = self._strikes >= self.STRIKES
        stop = "overfitting" if self.overfitting else None
        if max(loss, test_loss) < self.SMALL:
            stop = "learned"
        return Verdict(improved or not self.backtrack, stop)


def stop_rule(options, role: str, test_data) -> AutoStop | OriginalStop | None:
    """The rule that ``options`` ask for; None where nothing watches the test rows."""
    if not options.autostop:
        return None
    if options.exact_original:
        return OriginalStop(options.backtrack)
    return AutoStop(AutoStop.tolerance_of(test_data.rows), FLOOR.get(role, 0.0))
