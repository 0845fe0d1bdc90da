"""Runs the commands of one client: lookup, authentication, gates, MULTI, handler, reply."""

import logging
import time

from .core cimport AT_ONCE, NO_AUTH, NO_MULTI, SECRET, now

from .errors import NO_REPLY, CommandError, Deferred

log = logging.getLogger("respnet.server")

NO_AUTH_TEXT = "NOAUTH Authentication required."
NO_MULTI_TEXT = "ERR Command not allowed inside a transaction"
FROM_A_BROWSER = (b"post", b"host:")
QUEUED_OVERHEAD = 64  # bytes an argument in the queue of MULTI takes besides its own


cdef class FastHandler:
    """A hot command over raw argument spans."""

    cdef int run(self, Session c, Args* args) except -1:
        return 0


cdef class Session:
    """One client: database, name, protocol, transaction; the bytes in and the replies out."""

    def __cinit__(self, Core server not None, *args):
        self.server = server
        self.id = server.next_id()
        self.reader, self.out = Reader(False), Reply(2)
        self.name, self.user, self.addr, self.laddr = b"", b"default", "", ""
        self.lib_name = self.lib_ver = b""
        self.watched = []
        self.created, self.used_at = time.time(), now()

    @property
    def protocol(self):
        return self.out.protocol

    @protocol.setter
    def protocol(self, int version):
        self.out.protocol = version

    @property
    def authenticated(self):
        return self.reader.trusted

    @authenticated.setter
    def authenticated(self, bint yes):
        self.reader.trusted = yes

    @property
    def multi(self):
        """None, or what MULTI has queued."""
        return self.queue

    @multi.setter
    def multi(self, list queue):
        self.queue, self.queue_bytes = queue, 0

    @property
    def monitor(self):
        return self in self.server.monitors

    @monitor.setter
    def monitor(self, bint on):
        if on and self not in self.server.monitors:
            self.server.monitors.append(self)
        elif not on and self in self.server.monitors:
            self.server.monitors.remove(self)

    @property
    def last_used(self):
        """Unix time of the last bytes."""
        return time.time() - (now() - self.used_at)

    def close(self):
        """Run no further command; end when the replies are out."""
        self.closing = True

    def execute_queued(self):
        """EXEC: run what is queued -> list of values, errors among them as CommandError."""
        cdef Row row
        queue, self.multi = self.queue, None
        values = []
        for row, argv in queue:
            try:
                value = self.call(self.admit(row, argv), argv)
                if isinstance(value, Deferred):
                    raise CommandError(NO_MULTI_TEXT)
            except Exception as error:
                value = public(error)
            if value is not NO_REPLY:
                values.append(value)
        return values

    def complete(self, deferred, value):
        """``Deferred.set`` was called."""
        cdef Py_ssize_t start = self.out.size, sealed = len(self.out.sealed)
        if deferred is self.deferred:
            self.deferred = None
            try:
                self.answer(value)
            except Exception as error:
                self.out.cut(sealed, start)
                self.answer_error(error)

    cdef int run_command(self) except -1:
        """Run the command in ``reader.args``; whatever happens, at most one reply is written."""
        cdef Args* args = &self.reader.args
        cdef Core server = self.server
        cdef Row row = server.find(args.items[0].data, args.items[0].size)
        cdef Py_ssize_t start = self.out.size, sealed = len(self.out.sealed)
        server.commands += 1
        try:
            if row is None or not (self.reader.trusted or row.flags & NO_AUTH):
                return self.run_strange(row)
            if row.fast is not None and self.queue is None and not row.flags & server.gate:
                if not server.monitors and (<FastHandler>row.fast).run(self, args):
                    row.calls += 1
                    return 0
                self.out.cut(sealed, start)
            return self.run_row(row)
        except Exception as error:
            self.out.cut(sealed, start)
            return self.answer_error(error)

    cdef int run_strange(self, Row row) except -1:
        """An unknown command, or one of a stranger."""
        cdef list argv = self.reader.argv()
        if row is None and argv[0].lower() in FROM_A_BROWSER:
            log.warning("client %d %s speaks HTTP: closed", self.id, self.addr)
            self.close()
            return 0
        if not self.reader.trusted:
            raise CommandError(NO_AUTH_TEXT)
        self.multi_error = self.queue is not None
        raise self.server.table.unknown(argv)

    cdef int run_row(self, Row row) except -1:
        cdef list argv = self.reader.argv()
        cdef bint queued = self.queue is not None and not row.flags & AT_ONCE
        try:
            row = self.admit(row, argv)
            if queued and row.flags & NO_MULTI:
                raise CommandError(NO_MULTI_TEXT)
        except CommandError:
            row.rejected += 1
            self.multi_error = self.queue is not None
            raise
        if queued:
            return self.enqueue(row, argv)
        if self.server.monitors and not row.flags & SECRET:
            self.server.feed_monitors(self, argv)
        return self.answer(self.call(row, argv))

    cdef Row admit(self, Row row, list argv):
        """The row that serves the words, a subcommand's if there is one; or CommandError."""
        if row.container or not row.takes(len(argv)):
            row = self.server.row_of(row.command.resolve(argv))
        if row.flags & self.server.gate:
            raise CommandError(self.server.refusal(row.flags))
        return row

    cdef object call(self, Row row, list argv):
        cdef double start = now()
        cdef long long usec
        try:
            return row.handler(self, row.parse(argv))
        except:
            row.failed += 1
            raise
        finally:
            usec = <long long>(1e6 * (now() - start))
            row.calls += 1
            row.usec += usec
            if 0 <= self.server.slow_usec <= usec and not row.flags & SECRET:
                self.server.stats.log_slow(self, argv, usec)

    cdef int enqueue(self, Row row, list argv) except -1:
        self.queue.append((row, argv))
        for word in argv:
            self.queue_bytes += QUEUED_OVERHEAD + len(word)
        return self.out.put_raw(b"+QUEUED\r\n", 9)

    cdef int answer(self, object value) except -1:
        if value is NO_REPLY:
            return 0
        if isinstance(value, Deferred):
            self.deferred = value
            value.bind(self.server.clients, self.id)
            return 0
        if isinstance(value, Exception):
            raise value
        return self.out.put_value(value)

    cdef int answer_error(self, object error) except -1:
        self.server.errors += 1
        return self.out.put_error(public(error).text)


def public(error):
    """What a client may know of an exception; the rest goes to the log."""
    if isinstance(error, CommandError):
        return error
    log.error("a handler failed", exc_info=error)
    return CommandError("ERR internal error")
