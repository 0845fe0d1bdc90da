"""What handlers do with keys: find the database, check the type of a value."""

from .errors import CommandError
from .values import WRONG_TYPE, StringValue

OK = "OK"
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
DB_RANGE = "ERR DB index is out of range"


def database(session):
    """The database the client has selected."""
    return session.server.keyspace[session.db]


def fetch(session, key, kind=StringValue):
    """The value of a key or None; WRONGTYPE if it is of another kind."""
    value = session.server.keyspace[session.db].get(key)
    if value is not None and not isinstance(value, kind):
        raise CommandError(WRONG_TYPE)
    return value


def fetch_string(session, key):
    """The bytes of a string or None."""
    value = fetch(session, key)
    return None if value is None else value.data


def database_number(session, number):
    """Check the number of a database."""
    if not 0 <= number < len(session.server.keyspace):
        raise CommandError(DB_RANGE)
    return number
