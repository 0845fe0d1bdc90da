"""Fast handlers of the connection's own commands."""

from .reader cimport Args
from .session cimport FastHandler, Session

from .errors import CommandError


cdef class Ping(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        if args.count == 1:
            c.out.put_raw(b"+PONG\r\n", 7)
            return 1
        if args.count == 2:
            c.out.put_bulk(args.items[1].data, args.items[1].size)
            return 1
        raise CommandError("ERR wrong number of arguments for 'ping' command")


cdef class Echo(FastHandler):
    cdef int run(self, Session c, Args* args) except -1:
        if args.count != 2:
            return 0
        c.out.put_bulk(args.items[1].data, args.items[1].size)
        return 1


HANDLERS = {b"ping": Ping(), b"echo": Echo()}


def install(table):
    """Give the rows of these commands their fast handlers."""
    for name, handler in HANDLERS.items():
        row = table.lookup(name)
        if row is not None and row.fast is None:
            row.fast = handler
