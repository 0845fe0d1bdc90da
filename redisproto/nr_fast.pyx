"""What the hot path of NR.RUN, NR.CLASS and NR.OBSERVE keeps of a network, and how it is found.

A network found once is found again by comparing bytes: its ``Hot`` knows the key it is under and
is told when it moves or goes (``Value.on_moved``, ``Value.on_removed``).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

import numpy as np

from respnet.engine.stepping import make_stepper

from .database cimport Account, Database, Entry
from .numbers cimport parse_float32

cdef enum:
    SLOT_BITS = 10
    BATCH_ROWS = 64  # pipelined runs that are joined, at most
    BATCH_NUMBERS = 16384  # inputs and outputs of them

cdef list slots = [None] * (1 << SLOT_BITS)  # of Hot, by a hash of the key


cdef class Hot:
    """Of one network: where it was found, its present weights, its data sets."""

    def __cinit__(self, DataSplit data not None, model, options):
        cdef Py_ssize_t outputs = options.outputs
        self.data, self.outputs, self.classifier = data, outputs, options.role == "classifier"
        self.words, self.recurrent = options.words, options.recurrent
        self.inputs, self.targets = data.train.input_columns, data.train.target_columns
        self.x = <float*>calloc(self.inputs + self.targets + outputs, sizeof(float))
        if self.x == NULL:
            raise MemoryError
        self.y = self.x + self.inputs + self.targets
        self.most = min(<Py_ssize_t>BATCH_ROWS, BATCH_NUMBERS // (self.inputs + outputs))
        self.use(model)

    def __dealloc__(self):
        free(self.x)

    def use(self, model):
        """The weights of ``model`` as they are now answer from now on."""
        self.model, self.bound, self.stepper = model, None, None

    def forget(self):
        """Key or id have changed: look the network up again."""
        self.entry = self.space = None

    def remove(self):
        """The network has no key any more."""
        self.forget()
        self.model = self.bound = self.stepper = self.data = self.batch = None

    cdef inline bint is_at(self, Session c, const Span* key) noexcept:
        """Whether ``key`` is this network's, for sure."""
        return (self.entry is not None and self.db == c.db and self.space is c.server.keyspace
                and PyBytes_GET_SIZE(self.key) == key.size
                and memcmp(PyBytes_AS_STRING(self.key), key.data, key.size) == 0)

    cdef int place(self, Session c, bytes key, Entry entry) except -1:
        """It is found under ``key``."""
        value, space = entry.value, <Account?>c.server.keyspace
        self.id, self.generation, self.watches = value.id, value.generation, space.watches.data
        self.db, self.key, self.space, self.entry = c.db, key, space, entry
        return 0

    cdef inline void used(self, Py_ssize_t count) noexcept:
        """As ``Database.get`` counts hits."""
        self.space.hits += count
        self.entry.accessed = self.space.seconds

    cdef int run(self, const float* x) except -1:
        """x (I) -> self.y (O)"""
        if self.bound is None:
            self.bound = self.model.runner()
        self.bound.run_row(x, self.y)
        return 0

    cdef int make_rows(self) except -1:
        """Room for a batch."""
        cdef float[:, ::1] view
        if self.batch is None:
            view = rows = np.empty((self.most, self.inputs), np.float32)
            self.batch = rows.reshape(self.most, *self.model.spec.inputs[0][1])
            self.rows = &view[0, 0]
        return 0

    cpdef Stepper make_stepper(self):
        if self.stepper is None:
            self.stepper = make_stepper(self.model)
        return self.stepper

    cdef bint read(self, const Span* words, Py_ssize_t count, float* x) noexcept:
        """``count`` inputs from their words; False if one is none."""
        return read_numbers(words, count, x) and self.fit(x, count)

    cdef bint take(self, const char* data, Py_ssize_t count, float* x) noexcept:
        """``count`` inputs from float32; False if one is none."""
        memcpy(x, data, count * sizeof(float))
        return all_finite(data, count) and self.fit(x, count)

    cdef inline bint fit(self, const float* x, Py_ssize_t count) noexcept:
        return not self.words or are_words(x, count, self.words)


cdef inline Py_ssize_t slot_of(const Span* key) noexcept:
    """From both ends of the key and its length: there names of one application differ."""
    cdef uint64_t head = 0, tail = 0
    cdef Py_ssize_t size = min(key.size, <Py_ssize_t>8)
    memcpy(&head, key.data, size)
    memcpy(&tail, key.data + key.size - size, size)
    head = (head ^ (tail * <uint64_t>0x9e3779b97f4a7c15)) + <uint64_t>key.size
    return <Py_ssize_t>((head * <uint64_t>0xbf58476d1ce4e5b9) >> (64 - SLOT_BITS))


cdef Hot lookup(Session c, const Span* key):
    """The network of a key that never expires, or None."""
    cdef Py_ssize_t slot = slot_of(key)
    cdef Hot net = slots[slot]
    if net is None or not net.is_at(c, key):
        net = find(c, PyBytes_FromStringAndSize(key.data, key.size))
        if net is None:
            return None
        slots[slot] = net
    return net if net.entry.expire_ms is None else None


cdef Hot find(Session c, bytes key):
    cdef Database db = c.server.keyspace[c.db]
    cdef Entry entry = db.entry(key)
    hot = None if entry is None else getattr(entry.value, "hot", None)
    if hot is not None:
        (<Hot>hot).place(c, key, entry)
    return hot


def parse_row(list words not None, Py_ssize_t start, Py_ssize_t count):
    """``count`` words from ``start`` as float32 bytes, or None if one is no finite number."""
    cdef bytes row = PyBytes_FromStringAndSize(NULL, count * <Py_ssize_t>sizeof(float))
    cdef float* out = <float*>PyBytes_AS_STRING(row)
    cdef Py_ssize_t i
    cdef bytes word
    for i in range(count):
        word = words[start + i]
        if not parse_float32(PyBytes_AS_STRING(word), PyBytes_GET_SIZE(word), out + i):
            return None
    return row
