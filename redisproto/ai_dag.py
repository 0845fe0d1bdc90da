"""A DAG: steps on tensors of their own, run device by device, answered and kept as a whole.

    answer = run(session, argv, KINDS["AI.DAGEXECUTE"])   # the reply, or a Deferred

Every name is resolved before anything runs: each output is a new slot, and a step reads the slot
that was written last before it. The steps of one device are a lane and run in order; lanes meet
where one waits for a slot of another. Small models on an idle device are computed at once, so
most DAGs are done before a Deferred is needed.
"""

from .access import OK, database
from .ai_dag_steps import Get, Set, read_step
from .ai_dag_words import Order
from .ai_queue import TIMED_OUT, executor_of
from .ai_tensor import MOST_BYTES, check_target, put_at, tensor_at
from .ai_tensor_words import reply
from .errors import CommandError, Deferred

NOT_REACHED = "NA"
MOST_MADE = 2 * MOST_BYTES
NO_INPUT = "ERR INPUT key cannot be found in DAG"
NO_PERSIST = "ERR PERSIST key cannot be found in DAG"
TOO_LARGE = f"ERR tensors and replies of a DAG take at most {MOST_MADE} bytes"


def run(session, argv, kind):
    """Read, check and begin a DAG -> its reply, or a Deferred."""
    db = database(session)
    order = Order(argv, kind, lambda key: tensor_at(db, key))
    steps = [read_step(session, words, kind) for words in order.steps]
    dag = Dag(session, order, steps)
    dag.go()
    return dag.answer()


class Lane:
    """The steps of one device; ``at`` is the next, ``busy`` while one is with the queue."""

    __slots__ = ("steps", "at", "busy")

    def __init__(self):
        self.steps, self.at, self.busy = [], 0, False


class Dag:
    """tensors: what is in each slot, None until it is made; replies: one a step."""

    def __init__(self, session, order, steps):
        self.server, self.number = session.server, session.db
        self.executor = executor_of(session.server)
        self.deadline = order.deadline
        self.replies = [NOT_REACHED] * len(steps)
        self.lanes, self.made = {}, 0
        self.failed = self.late = self.moving = self.over = False
        self.deferred = None
        self.tensors = list(order.loads.values())
        self.names = dict(zip(order.loads, range(len(self.tensors)), strict=True))
        for place, step in enumerate(steps):
            self.link(place, step)
        self.persists = {name: self.slot(name, NO_PERSIST) for name in order.persists}

    # -- before it runs

    def link(self, place, step):
        """Names become slots."""
        step.place = place
        step.sources = [self.slot(name, NO_INPUT) for name in step.inputs]
        first = len(self.tensors)
        step.targets = range(first, first + len(step.outputs))
        self.names.update(zip(step.outputs, step.targets, strict=True))
        if type(step) is Set:
            self.charge(len(step.tensor.data))
            self.tensors.append(step.tensor)
            self.replies[place] = OK
            return
        self.tensors += [None] * len(step.outputs)
        if step.device not in self.lanes:
            self.lanes[step.device] = Lane()
        self.lanes[step.device].steps.append(step)

    def slot(self, name, error):
        slot = self.names.get(name)
        if slot is None:
            raise CommandError(error)
        return slot

    def charge(self, size):
        """Few words may ask for much: count what is made."""
        self.made += size
        if self.made > MOST_MADE:
            raise CommandError(TOO_LARGE)

    # -- running

    def go(self):
        """Run what can run; called again when a queue gives a result back."""
        self.moving = True
        while any([self.advance(lane) for lane in self.lanes.values()]):
            pass
        self.moving = False
        if not any([lane.busy for lane in self.lanes.values()]):
            self.finish()

    def advance(self, lane):
        """As many steps of a lane as can be done now -> whether there were any."""
        start = lane.at
        while not (lane.busy or self.failed or self.late) and lane.at < len(lane.steps):
            step = lane.steps[lane.at]
            tensors = [self.tensors[slot] for slot in step.sources]
            if None in tensors:  # another lane has to make it
                break
            lane.at += 1
            self.begin(lane, step, tensors)
        return lane.at > start

    def begin(self, lane, step, tensors):
        try:
            if type(step) is Get:
                self.charge(step.size(tensors[0]))
                self.replies[step.place] = reply(tensors[0], step.words)
                return
            lane.busy = True
            work = step.run(tensors, lambda result, _: self.took(lane, step, result), self.deadline)
            self.executor.submit(work)
        except CommandError as error:
            lane.busy = False
            self.fail(step, error)

    def took(self, lane, step, result):
        """What a queue gives back; not ``moving``: from its worker, later."""
        lane.busy = False
        if result is TIMED_OUT:
            self.late = True
        elif isinstance(result, CommandError):
            self.fail(step, result)
        else:
            self.keep(step, result)
        if not self.moving:
            self.go()

    def keep(self, step, results):
        try:
            for slot, tensor in zip(step.targets, results, strict=True):
                self.charge(len(tensor.data))
                self.tensors[slot] = tensor
            self.replies[step.place] = OK
        except CommandError as error:
            self.fail(step, error)

    def fail(self, step, error):
        self.failed = True
        self.replies[step.place] = error

    # -- afterwards

    def finish(self):
        """Keep what is to be kept, all of it or nothing, and answer."""
        if not (self.failed or self.late):
            self.write()
        self.over = True
        if self.deferred is not None:
            self.deferred.set(self.value)

    def write(self):
        db = self.server.keyspace[self.number]
        try:
            for name in self.persists:
                check_target(db, name)
        except CommandError as error:
            self.replies.append(error)
            return
        for name, slot in self.persists.items():
            put_at(db, name, self.tensors[slot])

    @property
    def value(self):
        return "TIMEDOUT" if self.late else self.replies

    def answer(self):
        """The reply if it is there, or a Deferred."""
        if self.over:
            return self.value
        self.deferred = Deferred()
        return self.deferred
