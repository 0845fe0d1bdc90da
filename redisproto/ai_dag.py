"""A DAG: steps on tensors of their own, run device by device, answered and kept as a whole.

    answer = run(session, argv, KINDS["AI.DAGEXECUTE"])   # the reply, or a Deferred

Every name is resolved before anything runs (``ai_dag_plan.py``): each output is a slot of its own.
The steps of one device are a lane and run in order; lanes meet where one waits for a slot of
another. Small models on an idle device are computed at once, so most DAGs are done before a
Deferred is needed.
"""

from functools import partial

from .access import OK
from .ai_dag_plan import planned
from .ai_dag_steps import Get, Set
from .ai_queue import TIMED_OUT, executor_of
from .ai_tensor import MOST_BYTES, check_target, put_at
from .errors import CommandError, Deferred

NOT_REACHED = "NA"
MOST_MADE = 2 * MOST_BYTES
TOO_LARGE = f"ERR tensors and replies of a DAG take at most {MOST_MADE} bytes"


def run(session, argv, kind):
    """Read, check and begin a DAG -> its reply, or a Deferred."""
    dag = Dag(session, *planned(session, argv, kind))
    dag.go()
    return dag.answer()


class Lane:
    """(step, its value) of one device; ``at`` is the next, ``busy`` while one is with the queue."""

    __slots__ = ("steps", "at", "busy")

    def __init__(self):
        self.steps, self.at, self.busy = [], 0, False


class Dag:
    """tensors: what is in each slot, None until it is made; replies: one a step."""

    made = 0  # bytes
    stopped = late = moving = over = False
    deferred = None

    def __init__(self, session, plan, loads, values):
        self.server, self.number, self.plan = session.server, session.db, plan
        self.executor, self.deadline = executor_of(session.server), plan.deadline
        self.tensors = loads + [None] * (plan.slots - len(loads))
        self.replies, self.held = [NOT_REACHED] * len(values), []
        self.lanes = lanes = {}
        for step, value in zip(plan.steps, values, strict=True):
            if type(step) is Set:
                self.keep(step, (value,))
                continue
            device = step.device(value)
            if device not in lanes:
                lanes[device] = Lane()
            lanes[device].steps.append((step, value))

    def keep(self, step, tensors):
        """What a step has made."""
        for slot, tensor in zip(step.targets, tensors, strict=True):
            self.charge(len(tensor.data))
            self.tensors[slot] = tensor
            if self.deferred is not None:
                self.hold([tensor])
        self.replies[step.place] = OK

    def charge(self, size):
        """Few words may ask for much: count what is made."""
        self.made += size
        if self.made > MOST_MADE:
            raise CommandError(TOO_LARGE)

    # -- running

    def go(self):
        """Run what can run; called again when a queue gives a result back."""
        self.moving = True
        lanes = self.lanes.values()
        while any([self.advance(lane) for lane in lanes]) and len(lanes) > 1:
            pass
        self.moving = False
        if not any([lane.busy for lane in lanes]):
            self.finish()

    def advance(self, lane):
        """As many steps of a lane as can be done now -> whether there were any."""
        start = lane.at
        while not (lane.busy or self.stopped) and lane.at < len(lane.steps):
            step, value = lane.steps[lane.at]
            tensors = [self.tensors[slot] for slot in step.sources]
            if None in tensors:  # another lane has to make it
                break
            lane.at += 1
            try:
                self.begin(lane, step, value, tensors)
            except CommandError as error:
                self.took(lane, step, error)
        return lane.at > start

    def begin(self, lane, step, value, tensors):
        if type(step) is Get:
            self.charge(step.size(tensors[0]))
            self.replies[step.place] = step.reply(tensors[0])
            return
        lane.busy = True
        done = partial(self.took, lane, step)
        run = step.run(self.executor, value, tensors, done, self.deadline)
        run.begun = self.deferred is not None
        self.executor.submit(run)

    def took(self, lane, step, result, seconds=0.0):
        """What a queue gives back; not ``moving``: from its worker, later."""
        lane.busy = False
        try:
            if result is TIMED_OUT:
                self.late = self.stopped = True
            elif isinstance(result, CommandError):
                raise result
            else:
                self.keep(step, result)
        except CommandError as error:
            self.replies[step.place], self.stopped = error, True
        if not self.moving:
            self.go()

    # -- memory, from when others go on before it is done

    def hold(self, tensors, place=None):
        self.executor.holdings.hold(tensors, place)
        self.held += tensors

    def hold_all(self):
        loads = len(self.plan.loads)
        self.hold(self.tensors[:loads], (self.number, self.plan.loads))
        self.hold([one for one in self.tensors[loads:] if one is not None])

    # -- afterwards

    def finish(self):
        """Keep what is to be kept, all of it or nothing, and answer."""
        if self.held:
            self.executor.holdings.release(self.held)
        if self.plan.persists and not self.stopped:
            self.write()
        self.over = True
        if self.deferred is not None:
            self.deferred.set(self.value)

    def write(self):
        db = self.server.keyspace[self.number]
        try:
            for name in self.plan.persists:
                check_target(db, name)
        except CommandError as error:
            self.replies.append(error)
            return
        for name, slot in self.plan.persists.items():
            put_at(db, name, self.tensors[slot])

    @property
    def value(self):
        return "TIMEDOUT" if self.late else self.replies

    def answer(self):
        """The reply if it is there, or a Deferred."""
        if self.over:
            return self.value
        self.deferred = Deferred()
        self.hold_all()
        return self.deferred
