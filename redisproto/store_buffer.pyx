# cython: boundscheck=False, wraparound=False
"""Effects as bytes: what the hot path appends, what a log row holds, what recovery reads.

A frame is ``type u8, length u32, id u64, generation u32`` (little-endian, 17 bytes) and a payload.
All frames ever written form one endless stream; a log row is a piece of it and is keyed by the
position of its first byte. A stored value remembers the position its dump was taken at, so a frame
belongs to the value exactly if it lies behind that position: no frame is applied twice, whatever
the order of dumps and effects within a group.

Type 0 is a gap: frames that were swept away. Its id field says how many bytes of stream they had.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, realloc
from libc.stdint cimport int64_t, uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy

HEADER = 17
MAX_FRAME = 256 << 20

cdef enum:
    _HEADER = 17
    _GAP = 0
    _FIRST_CAPACITY = 1 << 16
    _KEEP_CAPACITY = 1 << 20
    _JOINED = 1 << 16

cdef Py_ssize_t _MAX_FRAME = MAX_FRAME


cdef inline void write_header(char* at, int type, uint32_t length, uint64_t id,
                              uint32_t generation) noexcept nogil:
    (<uint8_t*>at)[0] = <uint8_t>type
    memcpy(at + 1, &length, 4)
    memcpy(at + 5, &id, 8)
    memcpy(at + 13, &generation, 4)


cdef class EffectBuffer:
    """Collects the effects of one loop turn; owned by the loop thread."""

    def __cinit__(self):
        self.last = -1
        self.grow(_FIRST_CAPACITY)

    def __dealloc__(self):
        free(self.data)

    cdef int grow(self, Py_ssize_t extra) except -1:
        cdef Py_ssize_t wanted = self.capacity
        while wanted < self.size + extra:
            wanted = wanted * 2 if wanted else _FIRST_CAPACITY
        cdef char* data = <char*>realloc(self.data, wanted)
        if data == NULL:
            raise MemoryError(f"no memory for {wanted} bytes of effects")
        self.data = data
        self.capacity = wanted
        return 0

    cdef char* reserve(self, int type, uint64_t id, uint32_t generation,
                       Py_ssize_t size) except NULL:
        """Room for a payload of `size` bytes, to be filled before the next call."""
        if not 0 < type < 256 or not 0 <= size <= _MAX_FRAME:
            raise ValueError(f"frame of type {type} and {size} bytes; "
                             f"wanted type 1..255 and at most {_MAX_FRAME} bytes")
        if self.size + _HEADER + size > self.capacity:
            self.grow(_HEADER + size)
        cdef char* at = self.data + self.size
        write_header(at, type, <uint32_t>size, id, generation)
        self.last = self.size
        self.size += _HEADER + size
        self.touch()
        return at + _HEADER

    cdef char* extend(self, int type, uint64_t id, uint32_t generation,
                      Py_ssize_t size) except NULL:
        """Like reserve, for payloads that may stand one behind another in one frame: they do, if
        the last frame is of this value and type, and no dump was taken in between."""
        cdef char* last = self.data + self.last
        cdef uint64_t last_id
        cdef uint32_t last_generation, length
        if self.last < 0 or (<uint8_t>last[0]) != type:
            return self.reserve(type, id, generation, size)
        memcpy(&length, last + 1, 4)
        memcpy(&last_id, last + 5, 8)
        memcpy(&last_generation, last + 13, 4)
        if last_id != id or last_generation != generation or length + size > _JOINED:
            return self.reserve(type, id, generation, size)
        if self.size + size > self.capacity:
            self.grow(size)
        write_header(self.data + self.last, type, length + <uint32_t>size, id, generation)
        self.size += size
        self.touch()
        return self.data + self.size - size

    cdef int frame(self, int type, uint64_t id, uint32_t generation,
                   const char* payload, Py_ssize_t size) except -1:
        memcpy(self.reserve(type, id, generation, size), payload, size)
        return 0

    def add(self, int type, uint64_t id, uint32_t generation, bytes payload not None):
        """The same from Python."""
        self.frame(type, id, generation, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))

    cpdef touch(self):
        """The group of this turn has an effect: it gets a number if it has none yet."""
        self.changes += 1
        if not self.open:
            self.open = True
            self.ticket += 1

    def here(self):
        """Stream position of the next frame, which from now on is one of its own."""
        self.last = -1
        return self.position + self.size

    def start(self, int64_t position):
        """Continue the stream of a store that was just read."""
        self.position = position

    def take(self):
        """Close the group: its frames as bytes; the next group begins behind them."""
        cdef bytes frames = PyBytes_FromStringAndSize(self.data, self.size)
        self.position += self.size
        self.size = 0
        self.last = -1
        self.open = False
        if self.capacity > _KEEP_CAPACITY:
            free(self.data)
            self.data = NULL
            self.capacity = 0
            self.grow(_FIRST_CAPACITY)
        return frames


cdef class FrameReader:
    """Walks over the frames of a bytes object; `at` is the stream position of the current one."""
    cdef bytes source
    cdef const char* data
    cdef Py_ssize_t end, offset, begin, length
    cdef int type
    cdef int64_t at, next_at
    cdef uint64_t id
    cdef uint32_t generation
    # what alive() looked up last: frames of one value tend to come in runs
    cdef bint known, known_live
    cdef uint64_t known_id
    cdef uint32_t known_generation
    cdef int64_t known_at

    def __cinit__(self, bytes source not None, int64_t position=0):
        self.source = source
        self.data = PyBytes_AS_STRING(source)
        self.end = PyBytes_GET_SIZE(source)
        self.next_at = position

    cdef bint step(self) except -1:
        """Go to the next frame; False at the end."""
        cdef uint32_t length
        if self.offset == self.end:
            return False
        self.begin = self.offset
        if self.end - self.begin < _HEADER:
            raise ValueError(f"frame header cut off at offset {self.begin}")
        self.type = <uint8_t>self.data[self.begin]
        memcpy(&length, self.data + self.begin + 1, 4)
        memcpy(&self.id, self.data + self.begin + 5, 8)
        memcpy(&self.generation, self.data + self.begin + 13, 4)
        self.length = length
        if self.length > self.end - self.begin - _HEADER:
            raise ValueError(f"frame at offset {self.begin} announces {length} bytes, "
                             f"{self.end - self.begin - _HEADER} are there")
        self.offset = self.begin + _HEADER + self.length
        self.at = self.next_at
        self.next_at += <int64_t>self.id if self.type == _GAP else _HEADER + self.length
        return True

    cdef bint alive(self, dict live) except -1:
        """Whether this frame belongs to one of `live`: id -> (generation, position of its dump)."""
        if self.type == _GAP:
            return False
        if not self.known or self.id != self.known_id:
            self.look_up(live)
        return (self.known_live and self.generation == self.known_generation
                and self.at >= self.known_at)

    cdef int look_up(self, dict live) except -1:
        place = live.get(self.id)
        self.known, self.known_live, self.known_id = True, place is not None, self.id
        if place is not None:
            self.known_generation, self.known_at = place
        return 0


class Frames:
    """The frames of one value in their order; iterating gives (type, payload)."""

    __slots__ = ("data",)

    def __init__(self, data=b""):
        self.data = bytes(data)

    def __iter__(self):
        cdef FrameReader reader = FrameReader(self.data)
        while reader.step():
            begin = reader.begin + _HEADER
            yield reader.type, self.data[begin:begin + reader.length]

    def __len__(self):
        cdef FrameReader reader = FrameReader(self.data)
        cdef Py_ssize_t count = 0
        while reader.step():
            count += 1
        return count


def deal(bytes payload, int64_t position, dict live, dict hands):
    """Append each live frame of a log row to the bytearray of its value in `hands`.

    Returns the stream position behind the row."""
    cdef FrameReader reader = FrameReader(payload, position)
    while reader.step():
        if reader.alive(live):
            hand = hands.get(reader.id)
            if hand is None:
                hand = hands[reader.id] = bytearray()
            hand += payload[reader.begin:reader.offset]
    return reader.next_at


def tally(bytes payload, dict counts):
    """Add the bytes of each frame to counts[id]."""
    cdef FrameReader reader = FrameReader(payload)
    cdef uint64_t id = 0
    cdef Py_ssize_t run = 0
    while reader.step():
        if reader.type == _GAP:
            continue
        if reader.id != id and run:
            counts[id] = counts.get(id, 0) + run
            run = 0
        id = reader.id
        run += reader.offset - reader.begin
    if run:
        counts[id] = counts.get(id, 0) + run


def cut(bytes payload, Py_ssize_t limit):
    """payload in pieces of at most `limit` bytes, or one frame, each."""
    if len(payload) <= limit:
        return [payload] if payload else []
    cdef FrameReader reader = FrameReader(payload)
    cdef Py_ssize_t start = 0
    pieces = []
    while reader.step():
        if reader.offset - start > limit and reader.begin > start:
            pieces.append(payload[start:reader.begin])
            start = reader.begin
    pieces.append(payload[start:])
    return pieces


cdef bytes gap(int64_t span):
    cdef char header[_HEADER]
    write_header(header, _GAP, 0, <uint64_t>span, 0)
    return PyBytes_FromStringAndSize(header, _HEADER)


def sweep(bytes payload, int64_t position, dict live):
    """The row without its dead frames, b"" if none is left; positions of the others stay."""
    cdef FrameReader reader = FrameReader(payload, position)
    cdef int64_t reached = position
    kept = bytearray()
    while reader.step():
        if reader.alive(live):
            if reader.at > reached:
                kept += gap(reader.at - reached)
            kept += payload[reader.begin:reader.offset]
            reached = reader.next_at
    return bytes(kept)
