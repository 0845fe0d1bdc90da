"""A whole grammar: words in, request out; and what follows from it (arity, key positions, docs)."""

from .errors import CommandError
from .grammar import Group, Many, Mismatch

SYNTAX = "ERR syntax error"
NO_KEYS = (0, 0, 0)
SHOWN = 128  # bytes of a client's word that an error repeats


class Request:
    """A parsed request: one attribute a named item; ``argv`` is the words as they came."""

    def __init__(self, argv, defaults):
        self.__dict__.update(defaults)
        self.argv = argv


class Signature:
    """The arguments after the command's name (``start`` words: 1, or 2 for a subcommand).

    Words that do not fit are answered with ``error``, in which ``{word}`` stands for the option
    that did not, unless the item has a text of its own.
    """

    def __init__(self, items, start=1, error=SYNTAX):
        self.body, self.start, self.error = Group(*items), start, error
        self.blank = self.body.defaults()

    def parse(self, argv):
        request = Request(argv, self.blank)
        try:
            end = self.body.parse(argv, self.start, request)
            if end != len(argv):
                raise Mismatch(argv[end])
        except Mismatch as fault:
            word = fault.word[:SHOWN].decode("latin-1")
            raise CommandError(self.error.replace("{word}", word)) from None
        return request

    @property
    def arity(self):
        """Redis' convention: the number of words, negative when it is the least number."""
        least = self.start + self.body.least
        return least if self.body.most == self.body.least else -least

    def key_range(self):
        """(first, last, step) as COMMAND tells it; last counts from the end if negative."""
        at, found = self.start, []
        for item in self.body.items:
            if isinstance(item, Many):
                if type(item) is Many and item is self.body.items[-1]:
                    found += [(at + i, -1, len(item.items)) for i, one in enumerate(item.items)
                              if one.kind == "key"]
                break
            if getattr(item, "kind", "") == "key":
                found.append((at, at, 1))
            if item.most != item.least:
                break
            at += item.least
        return merge(found)

    def movable(self):
        """Whether some keys are outside ``key_range``."""
        fixed = {item for item in self.body.items if getattr(item, "kind", "") == "key"}
        if self.key_range()[1] < 0:
            fixed.add(self.body.items[-1])
        return any(mentions_key(item) for item in self.body.items if item not in fixed)

    def hides_keys(self):
        """Whether COMMAND GETKEYS tells more than ``key_range`` does, though none says movable."""
        return any(item.hides_keys for item in self.body.items)

    def keys(self, argv):
        return self.body.keys(self.parse(argv))

    def usage(self):
        return self.body.usage()

    def docs(self):
        return [row for item in self.body.items for row in item.rows()]


def merge(found):
    """Key positions one after another, as one range."""
    if len(found) < 2:
        return found[0] if found else NO_KEYS
    return (found[0][0], found[-1][1], found[1][0] - found[0][0])


def mentions_key(item):
    if getattr(item, "kind", "") == "key":
        return True
    return any(mentions_key(inner) for inner in getattr(item, "items", ()))
