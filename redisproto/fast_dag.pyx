"""AI.DAGEXECUTE and its kin over raw spans, where a request is like one before and all its models
are small; everything else declines.

    plan.fast = of_plan(plan, argv)          # None: such requests always go the ordinary way
    rows.fast("ai.dagexecute", DagExecute(kind.plans))

Nothing is changed and nothing is answered before all steps have succeeded; if one does not, the
ordinary handler does them again and tells. What a plan means is said in ``ai_dag_plan.py``.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from .database cimport Database, Entry
from .fast_models cimport run_row, used
from .fast_tensors cimport floats, put_floats, put_tensor, selected
from .reader cimport Args, Span, word
from .session cimport FastHandler, Session

from math import prod

from .ai_dag_steps import Get, Model, Set
from .ai_model import ModelValue
from .ai_tensor import DTYPES, TensorValue
from .ai_tensor_words import count

cdef object Stored = ModelValue, Tensor = TensorValue

cdef enum:
    VALUES
    BLOB
    RUN
    GET_VALUES
    GET_BLOB

    MOST_BYTES = 64 * 1024  # of a tensor that is answered: replies are not counted here


cdef class FastStep:
    """words at..at+count are its data, for ``size`` bytes; or key and slots of a run, a reply."""

    cdef int kind
    cdef Py_ssize_t at, count, size, source, target
    cdef object dtype, shape
    cdef bytes key


cdef class FastPlan:
    """literals: the words that must be the same, those of size -1 are data."""

    cdef list words, steps, loads
    cdef dict persists  # name -> slot
    cdef Span* literals
    cdef Py_ssize_t count, slots

    def __cinit__(self, plan, Py_ssize_t count, list steps):
        self.count, self.slots = count, plan.slots
        self.literals = <Span*>calloc(self.count, sizeof(Span))
        if self.literals == NULL:
            raise MemoryError
        self.words, self.steps, self.loads = plan.pieces, steps, list(plan.loads)
        self.persists = dict(plan.persists)
        for i in range(self.count):
            self.literals[i].size = -1
        for start, _, words in plan.pieces:
            for i, one in enumerate(words, start):
                self.literals[i].data = PyBytes_AS_STRING(one)
                self.literals[i].size = PyBytes_GET_SIZE(one)

    def __dealloc__(self):
        free(self.literals)

    cdef bint fits(self, const Span* items) noexcept nogil:
        cdef Py_ssize_t i
        cdef const Span* one
        for i in range(1, self.count):  # the command's name may be in any case
            one = &self.literals[i]
            if one.size >= 0 and (items[i].size != one.size
                                  or memcmp(items[i].data, one.data, one.size) != 0):
                return False
        return True

    cdef list begin(self, Database db, const Span* items):
        """Slots, each None or (type, shape, bytes), with what is loaded and set; or None."""
        cdef FastStep step
        cdef Entry entry
        cdef Py_ssize_t i = 0
        cdef list tensors = [None] * self.slots
        for key in self.loads:
            entry = used(db, key, Tensor)
            if entry is None:
                return None
            tensors[i] = entry.value.dtype, entry.value.shape, entry.value.data
            entry.accessed = db.space.seconds
            i += 1
        for step in self.steps:
            if step.kind == VALUES:
                data = floats(items + step.at, step.count)
            elif step.kind == BLOB:
                data = word(items + step.at) if items[step.at].size == step.size else None
            else:
                continue
            if data is None:
                return None
            tensors[step.target] = step.dtype, step.shape, data
        return tensors


def of_plan(plan, list argv):
    """The FastPlan of a plan and the words it was read from, or None."""
    steps = [fast_step(step) for step in plan.steps]
    return None if None in steps else FastPlan(plan, len(argv), steps)


cdef FastStep fast_step(object step):
    cdef FastStep fast = FastStep()
    if type(step) is Set:
        fast.dtype, fast.shape, form = step.head
        if fast.dtype not in DTYPES or fast.dtype == "BOOL" or form is None:
            return None
        if form == b"values" and fast.dtype != "FLOAT":
            return None
        fast.kind = VALUES if form == b"values" else BLOB
        fast.at, fast.count, fast.target = step.data, step.end - step.data, step.targets[0]
        fast.size = prod(fast.shape) * DTYPES[fast.dtype].itemsize
        return fast if fast.count == (count(fast.shape) if form == b"values" else 1) else None
    if type(step) is Get:
        fast.source = step.sources[0]
        fast.kind = {(False, b"values"): GET_VALUES, (False, b"blob"): GET_BLOB}.get(step.asked, -1)
        return fast if fast.kind >= 0 else None
    if type(step) is not Model or len(step.sources) != 1 or len(step.targets) != 1:
        return None
    fast.kind, fast.key = RUN, step.key
    fast.source, fast.target = step.sources[0], step.targets[0]
    return fast


cdef class DagExecute(FastHandler):
    """plans: number of words -> the last plan of a command."""

    cdef dict plans

    def __init__(self, dict plans):
        self.plans = plans

    cdef int run(self, Session c, Args* args) except -1:
        cdef FastPlan plan
        cdef Database db
        known, executor = self.plans.get(args.count), getattr(c.server, "ai", None)
        if known is None or known.fast is None or executor is None:
            return 0
        plan = known.fast
        if not plan.fits(args.items):
            return 0
        db = selected(c)
        tensors = plan.begin(db, args.items)
        if tensors is None:
            return 0
        runs = perform(plan, db, executor, tensors)
        if runs is None or not keep(c, plan, db, tensors):
            return 0
        for model, seconds in runs:
            model.stats.succeeded(seconds, 1)
        db.space.hits += len(plan.loads) + len(runs)
        return answer(c, plan, tensors)


cdef list perform(FastPlan plan, Database db, object executor, list tensors):
    """Run the models -> [(model, seconds)], or None."""
    cdef FastStep step
    cdef Entry entry
    cdef double seconds
    cdef list runs = []
    for step in plan.steps:
        if step.kind == RUN:
            entry = used(db, step.key, Stored)
            if entry is None:
                return None
            dtype, shape, data = tensors[step.source]
            made = run_row(executor, entry.value, dtype, shape, data, &seconds)
            if made is None:
                return None
            tensors[step.target] = made
            entry.accessed = db.space.seconds
            runs.append((entry.value, seconds))
        elif step.kind >= GET_VALUES:
            dtype, shape, data = tensors[step.source]
            if step.kind == GET_VALUES and dtype != "FLOAT" or len(data) > MOST_BYTES:
                return None
    return runs


cdef bint keep(Session c, FastPlan plan, Database db, list tensors) except -1:
    """Put what is persisted to its keys, all of it or nothing."""
    cdef Entry entry
    for key in plan.persists:
        entry = db.entry(key)
        if entry is not None and type(entry.value) is not Tensor:
            return False
    for key, slot in plan.persists.items():
        dtype, shape, data = tensors[slot]
        put_tensor(c, db, key, db.entry(key), dtype, shape, data)
    return True


cdef int answer(Session c, FastPlan plan, list tensors) except -1:
    cdef FastStep step
    cdef bytes data
    c.out.put_array(len(plan.steps))
    for step in plan.steps:
        if step.kind < GET_VALUES:
            c.out.put_raw(b"+OK\r\n", 5)
            continue
        data = tensors[step.source][2]
        if step.kind == GET_BLOB:
            c.out.put_bytes(data)
        else:
            put_floats(c, data)
    return 1
