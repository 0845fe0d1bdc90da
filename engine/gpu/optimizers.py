"""Optimizer steps on the GPU, and what is done to gradients before them.

The kernels (``optimizers.cuh``) take the constants of ``engine/optimizers.py``; what depends on the
number t of the step is made here, in double, as ``kernels/steps_optimizer.hpp`` makes it.
"""

from math import prod, sqrt

WITH_OPTIONAL_MEAN = "rmsprop_step"


def _adam(c, t):
    return [c[0] * sqrt(1 - c[2] ** t) / (1 - c[1] ** t), *c[1:]]


def _adamax(c, t):
    return [c[0] / (1 - c[1] ** t), *c[1:]]


def _nadam(c, t):
    """The momentum of step t rises to beta_1: beta_1 (1 - 0.96^t / 2)."""
    momentum = [c[1] * (1 - 0.5 * 0.96**i) for i in range(1, min(t, 1000) + 2)]
    now, following = momentum[-2:] if t < 1000 else (c[1], c[1])
    product = prod(momentum[: min(t, 1000)]) * c[1] ** (t - min(t, 1000))
    of_mean = c[0] * following / (1 - product * following)
    return [of_mean, c[0] * (1 - now) / (1 - product), 1 / (1 - c[2] ** t), *c[1:]]


OF_STEP = {"adam_step": _adam, "amsgrad_step": _adam, "adamax_step": _adamax, "nadam_step": _nadam}


def step(c, op: str, constants, t: int, g, w, state, losses) -> None:
    """One step of ``op`` over the vectors g, w and the slots of state; c is a Context."""
    cp = c.cp
    given = cp.asarray(OF_STEP.get(op, lambda c, t: c)(list(constants), t), cp.float64)
    slots = list(state)
    if op == WITH_OPTIONAL_MEAN and len(slots) == 2:
        slots.append(None)
    before = [losses] if op == "rprop_step" else []
    c.launch("optimizers", op, g.size, g, w, *slots, given, *before, c.fault, cp.int64(g.size))


def penalty(c, w, g, l1: float, l2: float):
    """g += the gradient of l1 |w| + l2 w^2; its value, on the device."""
    cp = c.cp
    if g is not None:
        g += l1 * cp.sign(w) + 2 * l2 * w
    return l1 * cp.abs(w).sum(dtype=cp.float64) + l2 * (w * w).sum(dtype=cp.float64)


def clip_value(c, g, limit: float) -> None:
    c.cp.clip(g, -limit, limit, out=g)


def clip_norm(c, g, limit: float) -> None:
    """Shortened to ``limit`` where it is longer."""
    cp = c.cp
    norm = cp.sqrt((g * g).sum(dtype=cp.float64))
    g *= (limit / cp.maximum(norm, limit)).astype(g.dtype)
