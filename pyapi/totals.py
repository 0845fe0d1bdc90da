"""What all trainings of a network add up to, and how well the last one ended."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Totals:
    """cycles: passes over the training rows. steps: row presentations. Errors are of the last
    training: the loss, half the sum of squares of a row where the loss is mse, in scaled units.
    wrong: part of the test rows in the wrong class, 0 to 1."""

    cycles: int = 0
    steps: int = 0
    seconds: float = 0.0
    train_error: float = 0.0
    test_error: float = 0.0
    wrong: float = 0.0
    overfitting: bool = False

    def after(self, result, unit: float) -> "Totals":
        """These and one more training; ``unit`` makes errors of its losses."""
        last = result.progress
        return Totals(
            self.cycles + last.epoch,
            self.steps + last.steps,
            self.seconds + last.seconds,
            last.loss * unit,
            (last.test_loss or 0.0) * unit,
            last.metric or 0.0,
            last.overfitting,
        )

    def fields(self, role: str) -> dict:
        """As NR.INFO names them."""
        wrong = {"classification-errors-perc": round(100 * self.wrong, 2)}
        return {
            "training-total-steps": self.steps,
            "training-total-cycles": self.cycles,
            "training-total-seconds": round(self.seconds, 2),
            "dataset-error": self.train_error,
            "test-error": self.test_error,
            **(wrong if role == "classifier" else {}),
            "overfitting-detected": "yes" if self.overfitting else "no",
        }

    def as_dict(self) -> dict:
        return asdict(self)
