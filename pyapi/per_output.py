"""What a user says of the outputs of a model, as a list with an entry for each of them.

One thing for all, a list in the order of the outputs, or a dict by their names.
"""

from collections.abc import Mapping

from .arguments import unknown


def per_output(given, names: list[str], what: str) -> list:
    """From a list or a dict; None for outputs nothing is said of. The only output needs neither."""
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise ValueError(unknown(f"output in {what}", name, names))
        return [given.get(name) for name in names]
    if len(names) == 1:
        return [given]
    if isinstance(given, (list, tuple)) and len(given) == len(names):
        return list(given)
    got = f"{len(given)} of them" if isinstance(given, (list, tuple)) else type(given).__name__
    raise ValueError(
        f"the model has {len(names)} outputs ({', '.join(names)}); {what} must be a list with an "
        f"entry for each or a dict by name, got {got}"
    )


def targets_of(given, names: list[str], judged: list[int]) -> list:
    """Targets of each output. Those of the outputs with a loss (``judged``) may come alone."""
    if isinstance(given, Mapping) or len(names) == 1:
        return per_output(given, names, "targets")
    listed = isinstance(given, (list, tuple))
    if len(judged) == 1 and not (listed and len(given) in (1, len(names))):
        given = [given]
    elif not listed:
        return per_output(given, names, "targets")
    if len(given) != len(judged) or len(given) == len(names):
        return per_output(given, names, "targets")
    found = dict(zip(judged, given, strict=True))
    return [found.get(i) for i in range(len(names))]


def losses_of(given, names: list[str]) -> list:
    """A loss or None of each output; one loss is that of all."""
    if isinstance(given, (list, tuple)) and len(given) == len(names) == 1:
        given = given[0]
    described = isinstance(given, Mapping) and "class" in given
    if described or not isinstance(given, (Mapping, list, tuple)):
        return [given] * len(names)
    return per_output(given, names, "loss")


def metrics_of(given, names: list[str], what: str, judged: list[int]) -> list[list]:
    """A list of metrics of each output; a plain one is of the only output with a loss."""
    if given is None or (isinstance(given, (list, tuple)) and not given):
        return [[] for _ in names]
    if isinstance(given, Mapping) and "class" in given:
        given = [given]
    listed = isinstance(given, (list, tuple)) and len(given) == len(names)
    if len(judged) == 1 and not isinstance(given, Mapping) and not listed:
        return [flat(given) if i in judged else [] for i in range(len(names))]
    return [flat(each) for each in per_output(given, names, what)]


def flat(metrics) -> list:
    """One metric, None, or lists of them to any depth, as one list."""
    if metrics is None:
        return []
    if isinstance(metrics, (list, tuple)):
        return [metric for each in metrics for metric in flat(each)]
    return [metrics]


def weights_of(given, names: list[str]) -> list[float]:
    """The weight of each output's loss: 1 where nothing is said."""
    if given is None:
        return [1.0] * len(names)
    if isinstance(given, (int, float)):
        given = [given]
    if isinstance(given, (list, tuple)) and len(given) == len(names) == 1:
        given = given[0]
    weights = per_output(given, names, "loss_weights")
    return [1.0 if weight is None else float(weight) for weight in weights]
