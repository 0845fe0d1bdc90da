"""NR.OBSERVE of one row from argument spans to the data set and the log; replaying that log.

Declined before anything has changed: errors, many rows, watched keys, keys that expire, a data set
that must grow or is being looked at by a training.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Size
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from respnet.engine.dataset cimport ANY, TEST, TRAIN, Dataset, DataSplit

from .nr_fast cimport Hot, is_word, lookup, read_numbers
from .reader cimport Args, Span
from .session cimport FastHandler, Session

cdef enum:
    ROWS_FRAME = 1  # network_io.ROWS
    PLACE_BYTES = 5  # network_io.PLACE


cdef class Observe(FastHandler):
    """NR.OBSERVE key i0..iN -> o0..oM [TRAIN|TEST]"""

    cdef int run(self, Session c, Args* args) except -1:
        cdef int target = ANY
        cdef Py_ssize_t count = args.count
        cdef Span* words = args.items + 2
        cdef Hot net
        if count < 5:
            return 0
        net = lookup(c, args.items + 1)
        if net is None or PyDict_Size(net.watches):
            return 0
        if is_word(args.items + count - 1, b"TRAIN", 5):
            target, count = TRAIN, count - 1
        elif is_word(args.items + count - 1, b"TEST", 4):
            target, count = TEST, count - 1
        if count != 3 + net.inputs + net.targets:
            return 0
        if not (words[net.inputs].size == 2 and memcmp(words[net.inputs].data, b"->", 2) == 0):
            return 0
        if not net.read(words, net.inputs, net.x):
            return 0
        if not read_numbers(words + net.inputs + 1, net.targets, net.x + net.inputs):
            return 0
        return self.store(c, net, target)

    cdef int store(self, Session c, Hot net, int target) except -1:
        """Put the row in ``net.x`` into its set and log where."""
        cdef float number = net.x[net.inputs]
        cdef Py_ssize_t slot, size
        cdef Dataset data
        if net.classifier and not (0 <= number < net.outputs and number == <Py_ssize_t>number):
            return 0
        data = net.data.pick(target, &slot)
        if data is None or not data.ready(slot):
            return 0
        size = data.columns * <Py_ssize_t>sizeof(float)
        memcpy(data.open(slot), net.x, size)
        if c.server.effects is not None:
            log_row(c, net, data is net.data.test, <uint32_t>slot, size)
        net.used(1)
        net.space.dirty += 1
        c.out.put_array(2)
        c.out.put_integer(net.data.train.length)
        c.out.put_integer(net.data.test.length)
        return 1


cdef int log_row(Session c, Hot net, bint test, uint32_t slot, Py_ssize_t size) except -1:
    """As ``network_io.frame`` has it; rows of one turn share a frame."""
    cdef char* payload = c.server.effects.extend(ROWS_FRAME, net.id, net.generation,
                                                 PLACE_BYTES + size)
    payload[0] = <char>test
    memcpy(payload + 1, &slot, 4)
    memcpy(payload + PLACE_BYTES, net.x, size)
    return 0


def replay(DataSplit split not None, bytes payload not None):
    """Put the rows of a frame into their places; ValueError if it does not fit."""
    cdef Py_ssize_t size = split.train.columns * <Py_ssize_t>sizeof(float)
    cdef const char* at = PyBytes_AS_STRING(payload)
    cdef const char* end = at + PyBytes_GET_SIZE(payload)
    cdef Dataset data
    cdef uint32_t slot
    if (end - at) % (PLACE_BYTES + size):
        raise ValueError(f"rows of {PLACE_BYTES + size} bytes cannot make {end - at} bytes")
    while at < end:
        data = split.test if at[0] else split.train
        memcpy(&slot, at + 1, 4)
        if slot > data.length:
            raise ValueError(f"a row for slot {slot} of a data set of {data.length}")
        memcpy(data.open(slot), at + PLACE_BYTES, size)
        at += PLACE_BYTES + size
