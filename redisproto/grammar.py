"""Arguments of a command, described once: combinators over the atoms of ``words.py``.

    key(), string("value"), options(oneof(flag("NX"), flag("XX")), option("EX", integer("ex")))
"""

from .words import (  # noqa: F401  (the vocabulary of the command files)
    Item,
    Mismatch,
    Token,
    choice,
    double,
    flag,
    integer,
    key,
    literal,
    pattern,
    rest,
    string,
)


class Group(Item):
    """Items in a row."""

    def __init__(self, *items):
        self.items = items
        self.least = sum(item.least for item in items)
        self.most = total(item.most for item in items)

    def parse(self, argv, at, request):
        for item in self.items:
            at = item.parse(argv, at, request)
        return at

    def defaults(self):
        return {name: value for item in self.items for name, value in item.defaults().items()}

    def keys(self, request):
        return [name for item in self.items for name in item.keys(request)]

    def usage(self):
        return " ".join(item.usage() for item in self.items)


def total(sizes):
    sizes = list(sizes)
    return None if None in sizes else sum(sizes)


class Optional(Group):
    """Items that may be missing at the end."""

    def __init__(self, *items):
        super().__init__(*items)
        self.least = 0

    def parse(self, argv, at, request):
        return super().parse(argv, at, request) if at < len(argv) else at

    def usage(self):
        return f"[{super().usage()}]"

    def docs(self):
        docs = self.items[0].docs()
        return {**docs, "flags": {"optional", *docs.get("flags", ())}}


class Option(Group):
    """A token and the items it announces: ``EX seconds``."""

    def __init__(self, token, *items):
        super().__init__(Token(token), *items)
        self.token, self.word, self.values = token, self.items[0].word, items

    def defaults(self):
        return {name: value for item in self.values for name, value in item.defaults().items()}

    def docs(self):
        if len(self.values) == 1:
            return {**self.values[0].docs(), "token": self.token}
        return {"name": self.token.lower(), "type": "block", "token": self.token,
                "arguments": [item.docs() for item in self.values]}


class OneOf(Group):
    """Tokens and options that exclude each other: one of them, or inside ``options`` any."""

    def __init__(self, *items):
        super().__init__(*items)
        self.least = min(item.least for item in items)
        self.most = None if len({(item.least, item.most) for item in items}) > 1 else self.least
        self.members = {item.word: item for item in items}

    def parse(self, argv, at, request):
        if at >= len(argv) or argv[at].lower() not in self.members:
            self.refuse()
        return self.members[argv[at].lower()].parse(argv, at, request)

    def usage(self):
        return "|".join(item.usage() for item in self.items)

    def docs(self):
        return {"name": "_".join(item.word.decode() for item in self.items), "type": "oneof",
                "arguments": [item.docs() for item in self.items]}


class Options(Group):
    """Flags, options and groups of exclusive ones, in any order; the last one given wins."""

    def __init__(self, *items):
        super().__init__(*items)
        self.least, self.most = 0, None  # repeating an option is allowed
        self.members = {}
        for item in items:
            for member in item.items if isinstance(item, OneOf) else (item,):
                self.members[member.word] = (member, item)

    def parse(self, argv, at, request):
        chosen = {}
        while at < len(argv) and (found := self.members.get(argv[at].lower())):
            member, group = found
            if chosen.setdefault(group, member) is not member:
                raise Mismatch(argv[at])
            at = self.take(member, argv, at, request)
        return at

    def take(self, member, argv, at, request):
        try:
            return member.parse(argv, at, request)
        except Mismatch:
            raise Mismatch(argv[at]) from None

    def usage(self):
        return " ".join(f"[{item.usage()}]" for item in self.items)

    def rows(self):
        return [{**row, "flags": {"optional"}} for item in self.items for row in item.rows()]


class Many(Item):
    """One-word items repeated to the end, or up to a literal; several items make tuples.

    ``many(key())`` sets ``request.keys``; ``many(key(), string("value"), name="pairs")``.
    """

    most = None

    def __init__(self, *items, name=None, least=1, until=None, error=None):
        self.items, self.until, self.error = items, until and until.encode(), error
        self.name = self.attr = name or items[0].attr + "s"
        self.least = self.words = least * len(items)

    def parse(self, argv, at, request):
        end = argv.index(self.until, at) if self.until in argv[at:] else len(argv)
        return self.take(argv, at, end, request)

    def take(self, argv, at, end, request):
        if (end - at) % len(self.items) or end - at < self.words:
            self.refuse()
        columns = [[item.convert(word) for word in argv[at + i : end : len(self.items)]]
                   for i, item in enumerate(self.items)]
        rows = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        setattr(request, self.attr, rows)
        return end

    def defaults(self):
        return {self.attr: []}

    def keys(self, request):
        rows = getattr(request, self.attr)
        rows = [(value,) for value in rows] if len(self.items) == 1 else rows
        return [value for row in rows for item, value in zip(self.items, row, strict=True)
                if item.kind == "key"]

    def usage(self):
        one = " ".join(item.usage() for item in self.items)
        return f"{one} [{one} ...]" if self.words else f"[{one} ...]"

    def docs(self):
        flags = {"multiple"} if self.words else {"optional", "multiple"}
        if len(self.items) == 1:
            return {**self.items[0].docs(), "flags": flags}
        return {"name": self.name, "type": "block", "flags": flags,
                "arguments": [item.docs() for item in self.items]}


class Counted(Many):
    """A count, then so many rounds of items: ``numkeys key [key ...]``."""

    def __init__(self, count, *items, **named):
        super().__init__(*items, **named)
        self.number = count
        self.least += 1

    def parse(self, argv, at, request):
        at = self.number.parse(argv, at, request)
        end = at + getattr(request, self.number.attr) * len(self.items)
        if not at <= end <= len(argv):
            self.refuse()
        return self.take(argv, at, end, request)

    def usage(self):
        return f"{self.number.usage()} {super().usage()}"

    def rows(self):
        return [self.number.docs(), self.docs()]


optional, option, oneof, options = Optional, Option, OneOf, Options
many, counted = Many, Counted
