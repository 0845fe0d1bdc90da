"""The asyncio protocol of one client.

Bytes are parsed where they lie and the replies of one read leave in one write. A turn of the loop
runs at most 64 KiB or 500 commands of a client; the rest waits its turn behind the other clients.
Replies to writes are held back until the store has committed them, and later replies behind them.
Reading stops while the client does not read, so what it can pile up is bounded.
"""

import logging
import time
from collections import deque

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from .core cimport now
from .session cimport Session
from .store_buffer cimport EffectBuffer

from .monitor import address, keep_alive

log = logging.getLogger("respnet.server")

cdef extern from *:
    """
    #include <sys/socket.h>
    #ifdef MSG_NOSIGNAL
    #define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
    #else
    #define SEND_FLAGS MSG_DONTWAIT
    #endif
    """
    int SEND_FLAGS
    ssize_t socket_send "send"(int fd, const void* data, size_t size, int flags)

cdef enum:
    TURN_BYTES = 64 * 1024
    TURN_COMMANDS = 500
    OUTPUT_PAUSE = 1024 * 1024  # unsent bytes above which nothing more is read or run
    OUTPUT_RESUME = 256 * 1024
    INPUT_PAUSE = 1024 * 1024  # unread bytes of a client that waits for a deferred reply
    STRANGER_INPUT = 1024 * 1024
    STRANGER_OUTPUT = 64 * 1024
    FRAME_RATE = 64 * 1024  # bytes that earn a half frame another second
    DISCARD = 1024 * 1024
    LINGER = 1  # seconds
    CLOSING = 5


cdef class Connection(Session):
    """``asyncio.Protocol`` of a client; what handlers see of it is in ``Session``."""

    def __init__(self, server):
        self.held = deque()
        self.reading, self.fd = True, -1

    # -- called by the transport

    def connection_made(self, transport):
        self.transport, self.write = transport, transport.write
        transport.set_write_buffer_limits(OUTPUT_PAUSE, OUTPUT_RESUME)
        self.addr, self.laddr = address(transport, "peername"), address(transport, "sockname")
        if transport.get_extra_info("ssl_object") is None:
            self.fd = transport.get_extra_info("socket").fileno()
        refusal = self.server.refuse_connection(self)
        if refusal is None:
            self.server.connections += 1
            self.server.clients[self.id] = self
            keep_alive(transport, self.server.config["tcp-keepalive"])
            return
        self.server.rejected += 1
        self.closing = self.gone = True
        self.out.put_error(refusal)
        transport.write(self.out.take_bytes())
        transport.close()

    def connection_lost(self, exc):
        self.closing = self.gone = True
        self.server.clients.pop(self.id, None)
        self.server.waiting.discard(self)
        self.monitor = False
        self.multi, self.watched, self.deferred = None, [], None
        self.held.clear()
        self.transport = self.write = None

    def data_received(self, bytes data not None):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        self.server.input_bytes += size
        self.used_at = now()
        if self.closing:
            self.discard(size)
            return
        try:
            self.reader.borrow(PyBytes_AS_STRING(data), size)
            if self.scheduled or self.stuck():
                self.settle(False)
            else:
                self.drain()
        except Exception:
            log.exception("client %d %s: closed", self.id, self.addr)
            self.abort("an error of the server")

    def eof_received(self):
        """The client sends nothing more; what it has sent is still answered."""
        self.eof = True
        return not self.finishing and (self.scheduled or self.stuck() or len(self.held) > 0)

    def pause_writing(self):
        self.stalled = True
        if not self.running:
            self.update_reading()

    def resume_writing(self):
        self.stalled, self.over_at = False, 0
        self.schedule()

    # -- called by the server and by handlers

    def close(self):
        """Run no further command; close when the replies are out."""
        self.closing = True
        if not self.running:
            self.flush()
            self.finish()

    def abort(self, str reason):
        """Close now; unsent replies are lost."""
        self.closing = True
        if not self.gone and self.transport is not None:
            log.info("client %d %s closed: %s", self.id, self.addr, reason)
            self.fd = -1
            self.transport.abort()

    def push(self, value):
        """A message that answers no command: a list is a RESP3 push, anything else as it is."""
        if self.closing:
            return
        if isinstance(value, list):
            self.out.put_push(value)
        else:
            self.out.put_value(value)
        if not self.running:
            self.flush()

    def complete(self, deferred, value):
        cdef EffectBuffer effects = self.server.effects
        if deferred is not self.deferred or self.gone:
            return
        Session.complete(self, deferred, value)
        if effects is not None:
            self.ticket = effects.ticket  # whoever made the value may have written
            self.server.effects_made()
        if not self.running:
            self.flush()
            self.schedule()

    def released(self):
        """The store has committed more."""
        cdef EffectBuffer effects = self.server.effects
        while self.held and self.held[0][0] <= effects.committed:
            _, pieces, size = self.held.popleft()
            self.held_size -= size
            self.send(pieces, size)
        if self.held:
            return
        self.server.waiting.discard(self)
        if self.closing:
            self.finish()
        elif self.eof or not self.reading:
            self.schedule()

    def proceed(self):
        """The turn came round again."""
        self.scheduled = False
        if self.closing or self.gone or self.transport.is_closing():
            return
        if self.stuck():
            self.settle(False)
        else:
            self.drain()

    def check(self, double at):
        """Once a second: time limits. ``at`` is the monotonic time."""
        cdef Py_ssize_t unsent
        if self.closing:
            if self.closing_at and at - self.closing_at > (LINGER if self.lingering else CLOSING):
                self.abort("it does not take the last reply")
            return
        if self.stalled:
            unsent = self.transport.get_write_buffer_size()
            if unsent <= self.server.soft_limit:
                self.over_at = 0
            elif not self.over_at:
                self.over_at = at
            elif at - self.over_at >= self.server.soft_seconds:
                self.abort(f"{unsent} bytes of replies that it does not read")
        elif self.scheduled or self.stuck():
            self.frame_at = 0
        elif self.frame_at and at - self.frame_at > (
                self.server.frame_timeout + self.reader.pending / <double>FRAME_RATE):
            self.abort("half a request, and nothing more")
        elif 0 < self.server.idle_timeout < at - self.used_at and not self.monitor:
            self.abort("idle")

    @property
    def query_size(self):
        """Bytes that have arrived and are not yet run, the queue of MULTI included."""
        return self.reader.pending + self.queue_bytes

    @property
    def output_size(self):
        """Bytes of replies that have not been sent."""
        unsent = 0 if self.transport is None else self.transport.get_write_buffer_size()
        return len(self.out) + self.held_size + unsent

    # -- inside

    cdef bint stuck(self) noexcept:
        """Whether no command may run now."""
        return (self.stalled or self.closing or self.deferred is not None
                or self.held_size > OUTPUT_PAUSE)

    cdef int drain(self) except -1:
        """Run what has arrived, as far as this turn reaches."""
        cdef const char* begin = self.reader.at
        cdef int budget = TURN_COMMANDS
        cdef int got = 1
        cdef EffectBuffer effects = self.server.effects
        if effects is not None:
            self.mark = effects.changes
        self.running = True
        try:
            while not self.stuck():
                got = self.reader.next()
                if got <= 0:
                    break
                self.run_command()
                budget -= 1
                if self.out.size > OUTPUT_PAUSE or self.out.sealed:
                    self.flush()
                if budget == 0 or self.reader.at - begin > TURN_BYTES:
                    if self.reader.at < self.reader.end:
                        self.schedule()
                    break
            if got < 0:
                self.server.errors += 1
                self.out.put_error(self.reader.error)
                self.closing = self.lingering = True
            self.flush()
        finally:
            self.running = False
        return self.settle(budget < TURN_COMMANDS)

    cdef int settle(self, bint progress) except -1:
        """After bytes have arrived or commands have run: what remains, and what comes next."""
        cdef Py_ssize_t left
        self.reader.keep()
        left = self.reader.pending
        if left == 0:
            self.frame_at = 0
        elif progress or not self.frame_at:
            self.frame_at = self.used_at
        if self.closing:
            return self.finish()
        if left + self.queue_bytes > (
                self.server.query_limit if self.reader.trusted else STRANGER_INPUT):
            self.abort(f"{left + self.queue_bytes} bytes of requests")
            return 0
        if self.eof and not self.scheduled and not self.stuck() and not self.held:
            self.close()
            return 0
        return self.update_reading()

    cdef int flush(self) except -1:
        """Send what was written, or hold it back until the store has committed."""
        cdef EffectBuffer effects = self.server.effects
        cdef list pieces
        cdef Py_ssize_t size
        cdef bint wait
        if effects is not None and self.running and effects.changes != self.mark:
            self.mark, self.ticket = effects.changes, effects.ticket
            self.server.wrote()
        if self.out.size == 0:
            return 0
        wait = len(self.held) > 0 or (effects is not None and self.ticket > effects.committed)
        if self.running and not wait and not self.out.sealed and self.send_now():
            return 0
        size = len(self.out)
        pieces = self.out.take_pieces()
        if wait:
            self.held.append((self.ticket, pieces, size))
            self.held_size += size
            self.server.waiting.add(self)
            return 0
        return self.send(pieces, size)

    cdef bint send_now(self) except -1:
        """Straight to the kernel, as long as the transport has nothing to send. False: what is
        left in the buffer is the transport's. Only for a transport that was alive in this turn."""
        cdef Py_ssize_t sent
        if self.fd < 0 or (self.buffered and self.transport.get_write_buffer_size()):
            return False
        sent = max(0, socket_send(self.fd, self.out.data, self.out.size, SEND_FLAGS))
        self.server.output_bytes += sent
        self.out.drop(sent)
        self.buffered = self.out.size > 0
        return not self.buffered

    cdef int send(self, list pieces, Py_ssize_t size) except -1:
        if self.gone or self.transport is None:
            return 0
        self.server.output_bytes += size
        self.buffered = True  # or the next reply would overtake what the kernel has not taken
        for data in pieces:
            self.write(data)
        if self.stalled or not self.reader.trusted:
            self.check_output(size)
        return 0

    cdef int check_output(self, Py_ssize_t newest) except -1:
        """The hard limit. The newest reply is not counted: a single one may be large."""
        cdef Py_ssize_t unsent = self.transport.get_write_buffer_size()
        if not self.reader.trusted and unsent > STRANGER_OUTPUT:
            self.abort(f"{unsent} bytes of replies, not authenticated")
        elif unsent - newest > self.server.hard_limit:
            self.abort(f"{unsent} bytes of replies that it does not read")
        return 0

    cdef int schedule(self) except -1:
        """Go on in the next turn of the loop."""
        if not (self.scheduled or self.gone):
            self.scheduled = True
            self.server.loop.call_soon(self.proceed)
        return 0

    cdef int update_reading(self) except -1:
        cdef bint wanted = self.lingering or not (
            self.stalled or self.scheduled or self.held_size > OUTPUT_PAUSE
            or (self.deferred is not None and self.reader.pending > INPUT_PAUSE))
        if wanted != self.reading and not self.gone and not self.eof:
            self.reading = wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()
        return 0

    cdef int finish(self) except -1:
        """Close, once everything held back is out."""
        if self.gone or self.finishing or self.held:
            return 0
        self.finishing, self.closing_at, self.fd = True, now(), -1
        if self.lingering and not self.eof and self.transport.can_write_eof():
            self.transport.write_eof()
            return self.update_reading()
        self.transport.close()
        return 0

    cdef int discard(self, Py_ssize_t size) except -1:
        """Bytes after the end. Unread ones would make the kernel drop the last reply."""
        self.discarded += size
        if self.discarded > DISCARD and not self.gone:
            self.transport.close()
        return 0
