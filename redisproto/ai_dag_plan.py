"""What the words of a DAG mean, apart from the data in them: kept for the next request like it.

Programs send the same DAG over and over with other numbers in it, and reading its words costs more
than running a small model. A plan knows where the data of its AI.TENSORSETs stand; a request with
as many words, equal everywhere else, means the same.
"""

import time

from .access import database
from .ai_dag_steps import read_step
from .ai_dag_words import Order
from .ai_tensor import tensor_at
from .errors import CommandError
from .fast_dag import of_plan

NO_INPUT = "ERR INPUT key cannot be found in DAG"
NO_PERSIST = "ERR PERSIST key cannot be found in DAG"
MOST_PLANS = 256  # of each command
MOST_WORDS, MOST_BYTES = 128, 4096  # of a plan that is kept, data not counted


class Plan:
    """loads: keys; persists: key -> slot; steps: linked; slots: how many tensors there are; fast:
    the same for raw spans, where that is possible."""

    fast = None

    def __init__(self, order, steps, argv):
        self.loads, self.timeout, self.steps = list(order.loads), order.timeout, steps
        self.slots, self.names = 0, {}
        self.add(self.loads)
        for place, step in enumerate(steps):
            step.place = place
            step.sources = [self.slot(name, NO_INPUT) for name in step.inputs]
            step.targets = self.add(step.outputs)
        self.persists = {name: self.slot(name, NO_PERSIST) for name in order.persists}
        self.pieces = pieces(steps, argv)

    def add(self, names):
        """New slots for names; what was written last is what later steps read."""
        slots = range(self.slots, self.slots + len(names))
        self.names.update(zip(names, slots, strict=True))
        self.slots += len(names)
        return slots

    def slot(self, name, error):
        slot = self.names.get(name)
        if slot is None:
            raise CommandError(error)
        return slot

    def fits(self, argv):
        """Whether a request with as many words means the same."""
        return all([argv[start:end] == words for start, end, words in self.pieces])

    def look_up(self, session, argv):
        """(tensors of LOAD, values of the steps)"""
        db = database(session)
        loads = [tensor_at(db, key) for key in self.loads]
        return loads, [step.value(session, argv[step.data : step.end]) for step in self.steps]

    def repeats(self):
        """Whether it is worth keeping. A word of a STRING tensor might be an arrow."""
        words = [word for _, _, words in self.pieces for word in words]
        return (len(words) <= MOST_WORDS and sum(map(len, words)) <= MOST_BYTES
                and not any(step.strings for step in self.steps))

    @property
    def deadline(self):
        """As ``Run`` wants it, counted from now."""
        return time.monotonic() + self.timeout / 1000 if self.timeout else None


def pieces(steps, argv):
    """(start, end, words) of what stands between the data."""
    ends, start = [], 0
    for step in steps:
        if step.data < step.end:
            ends.append((start, step.data))
            start = step.end
    ends.append((start, len(argv)))
    return [(start, end, argv[start:end]) for start, end in ends]


def planned(session, argv, kind):
    """(Plan, tensors of LOAD, values of the steps), or CommandError."""
    plan = kind.plans.get(len(argv))
    if plan is not None and plan.fits(argv):
        try:
            return plan, *plan.look_up(session, argv)
        except CommandError:
            pass  # reading all of it finds what is to be told first
    return read(session, argv, kind)


def read(session, argv, kind):
    """The same for any request, with all checks in their order."""
    db = database(session)
    order = Order(argv, kind, lambda key: tensor_at(db, key))
    steps, values = [], []
    for start, words in zip(order.starts, order.steps, strict=True):
        step = read_step(session, words, kind)
        values.append(step.value(session, words[step.data :]))
        step.data, step.end = start + step.data, start + len(words)
        steps.append(step)
    plan = Plan(order, steps, argv)
    if plan.repeats():
        if len(kind.plans) == MOST_PLANS:
            kind.plans.clear()
        plan.fast = of_plan(plan, argv)
        kind.plans[len(argv)] = plan
    return plan, list(order.loads.values()), values
