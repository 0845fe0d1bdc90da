"""NR.STEP of one step from argument spans to the reply, the state and its log.

Declined before anything has changed: errors, many steps, a state that is new or whose turn it is to
be stored whole, times to live other than EX, watched keys.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.dict cimport PyDict_Size
from libc.string cimport memcpy

from respnet.engine.kernels.stepper cimport Stepper

from .database cimport Database, Entry
from .nr_fast cimport Hot, is_word, lookup
from .nr_run cimport largest, put_doubles
from .reader cimport Args, Span
from .session cimport FastHandler, Session

from .nr_state import LOGGED, StateValue

cdef object State = StateValue
cdef int FRAMES = LOGGED

cdef enum:
    STATE_FRAME = 1  # nr_state.STATE
    SECONDS_DIGITS = 9
    ROW, BLOB, NONE


cdef struct Options:
    bint classify
    long long seconds  # to live; 0: as before


cdef long long read_seconds(const Span* word) noexcept:
    """A number of at most nine digits, or 0."""
    cdef long long found = 0
    cdef Py_ssize_t i
    if not 0 < word.size <= SECONDS_DIGITS or word.data[0] == c"0":
        return 0
    for i in range(word.size):
        if not c"0" <= word.data[i] <= c"9":
            return 0
        found = found * 10 + (word.data[i] - c"0")
    return found


cdef Py_ssize_t read_options(const Span* words, Py_ssize_t count, Options* options) noexcept:
    """[CLASS] [EX seconds] -> how many words; others are left for the inputs to stumble on."""
    cdef Py_ssize_t at = 0
    options.classify = is_word(words, b"CLASS", 5)
    options.seconds = 0
    at += options.classify
    if at + 1 < count and is_word(words + at, b"EX", 2):
        options.seconds = read_seconds(words + at + 1)
        at += 2 if options.seconds else 0
    return at


cdef int read_step(Hot net, Stepper stepper, const Span* words, Py_ssize_t count) noexcept:
    """The inputs of one step to ``net.x`` -> how they are written."""
    if count == 2 and is_word(words, b"BLOB", 4):
        if words[1].size != stepper.inputs * <Py_ssize_t>sizeof(float):
            return NONE
        return BLOB if net.take(words[1].data, stepper.inputs, net.x) else NONE
    return ROW if count == stepper.inputs and net.read(words, count, net.x) else NONE


cdef class Step(FastHandler):
    """NR.STEP key state [CLASS] [EX seconds] i0..iN, and the same with BLOB row"""

    cdef int run(self, Session c, Args* args) except -1:
        cdef Span* words = args.items + 3
        cdef Py_ssize_t count = args.count - 3, taken
        cdef Options options
        cdef Entry entry
        cdef Hot net
        if count < 1:
            return 0
        net = lookup(c, args.items + 1)
        if net is None or not net.recurrent or PyDict_Size(net.watches):
            return 0
        taken = read_options(words, count, &options)
        if options.classify and not net.classifier:
            return 0
        written = read_step(net, net.make_stepper(), words + taken, count - taken)
        entry = None if written == NONE else self.find(c, net, args.items + 2, options.seconds > 0)
        if entry is None:
            return 0
        net.stepper.step(net.x, PyByteArray_AS_STRING(entry.value.numbers), net.y)
        net.used(1)
        if options.seconds:
            self.store(c, args.items + 2, entry, options.seconds)
        else:
            self.log(c, entry)
        if options.classify:
            if written == BLOB:
                c.out.put_array(1)
            c.out.put_integer(largest(net.y, net.outputs))
        elif written == BLOB:
            c.out.put_bulk(<const char*>net.y, net.outputs * <Py_ssize_t>sizeof(float))
        else:
            put_doubles(c.out, net.y, net.outputs)
        return 1

    cdef Entry find(self, Session c, Hot net, const Span* key, bint whole):
        """Where the state is, if this step may change it here; whole: it is not logged."""
        cdef Database db = c.server.keyspace[c.db]
        cdef Entry entry = db.entry(key.data[: key.size])
        if entry is None or type(entry.value) is not State:
            return None
        value = entry.value
        if (value.network != net.id or (<int>value.logged >= FRAMES and not whole)
                or PyByteArray_GET_SIZE(value.numbers) != net.stepper.state_bytes):
            return None
        return entry

    cdef int store(self, Session c, const Span* key, Entry entry, long long seconds) except -1:
        """The state as a whole, with its time to live."""
        cdef Database db = c.server.keyspace[c.db]
        db.space.hits += 1
        entry.accessed = db.space.seconds
        db.set(key.data[: key.size], entry.value, db.space.now() + 1000 * seconds)
        return 0

    cdef int log(self, Session c, Entry entry) except -1:
        """As ``Database.log`` does, where nobody watches."""
        cdef Database db = c.server.keyspace[c.db]
        cdef bytearray numbers = entry.value.numbers
        cdef Py_ssize_t size = PyByteArray_GET_SIZE(numbers)
        cdef char* frame
        if c.server.effects is not None:
            value = entry.value
            frame = c.server.effects.reserve(STATE_FRAME, value.id, value.generation, size)
            memcpy(frame, PyByteArray_AS_STRING(numbers), size)
            value.logged += 1
        db.space.hits += 1
        db.space.dirty += 1
        entry.accessed = db.space.seconds
        return 0
