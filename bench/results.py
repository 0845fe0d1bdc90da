"""Samples -> medians, spreads, ratios, bars: the JSON document of a run.

A ratio is taken within each round and then its median over the rounds, so a drift of the
machine's speed cancels. Spread is the interquartile range.
"""

from statistics import median, quantiles

from .harness import HIGHER_IS_BETTER, Bar, Contest


def summary(values: list[float]) -> dict[str, float]:
    """Median, quartiles and extremes of the samples of one metric."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {
        "median": median(values), "q1": low, "q3": high, "min": min(values), "max": max(values)
    }


def series(samples: list[dict[str, float]], metric: str) -> list[float]:
    return [sample[metric] for sample in samples]


def times_better(ours: list[float], theirs: list[float], metric: str) -> list[float]:
    """How many times better ours is, round by round; above 1 means ours is ahead."""
    if metric in HIGHER_IS_BETTER:
        ours, theirs = theirs, ours
    return [their / our for our, their in zip(ours, theirs, strict=True)]


def judged(bar: Bar, samples: dict) -> dict:
    """A bar with what was measured; ``met`` is None where its peer did not take part."""
    row = {key: value for key, value in vars(bar).items() if value is not None}
    if bar.side not in samples or (bar.against and bar.against not in samples):
        return row | {"measured": None, "met": None}
    values = series(samples[bar.side], bar.metric)
    if bar.against:
        theirs = series(samples[bar.against], bar.metric)
        values = (
            times_better(values, theirs, bar.metric)
            if bar.at_most is None
            else [our - their for our, their in zip(values, theirs, strict=True)]
        )
    measured = _measured(bar, values)
    met = measured >= bar.at_least if bar.at_most is None else measured <= bar.at_most
    return row | {"measured": measured, "met": met}


def _measured(bar, values):
    if not bar.worst:
        return median(values)
    return min(values) if bar.at_most is None else max(values)


def document(contest: Contest, samples: dict, verified: str) -> dict:
    """Everything about one measured contest, ready for JSON."""
    return {
        "name": contest.name,
        "metric": contest.metric,
        "baseline": contest.baseline,
        "verified": verified,
        "sides": {
            name: {metric: summary(series(taken, metric)) for metric in taken[0]}
            for name, taken in samples.items()
        },
        "ratios": _ratios(contest, samples),
        "bars": [judged(bar, samples) for bar in contest.bars],
        "skipped": contest.skipped,
        "samples": samples,
    }


def _ratios(contest, samples):
    """Side -> summary of: times respnet is better than it, or it than the baseline."""
    fixed = contest.baseline or "respnet"
    if fixed not in samples:
        return {}
    ratios = {}
    for name, taken in samples.items():
        pair = [series(samples[fixed], contest.metric), series(taken, contest.metric)]
        if contest.baseline:
            pair.reverse()
        if name != fixed:
            ratios[name] = summary(times_better(*pair, contest.metric))
    return ratios
