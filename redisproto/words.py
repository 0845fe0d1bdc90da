"""The atoms of a command's grammar: one word, a fixed word, a choice, all that is left.

Every item has

    parse(argv, at, request) -> at     take words, set request.<attr>
    least, most                        how many words it takes (most: None is without limit)
    usage(), docs(), rows()            for people; for COMMAND DOCS, one or several arguments
    defaults()                         attributes of a request that does not mention the item
    keys(request)                      the keys among what was parsed
"""

from .errors import CommandError
from .numbers import parse_integer, parse_real


class Mismatch(CommandError):
    """The words do not fit, from ``word`` on; the signature says what the client is told."""

    def __init__(self, word=b""):
        super().__init__("ERR syntax error")
        self.word = word


NOT_INTEGER = "ERR value is not an integer or out of range"
NOT_DOUBLE = "ERR value is not a valid float"


class Item:
    """Base of all items: takes nothing, says nothing."""

    least = most = 0
    error = None
    hides_keys = False  # keys in few forms of a command, which is not flagged movablekeys for them

    def defaults(self):
        return {self.attr: None}

    def keys(self, request):
        return []

    def rows(self):
        return [self.docs()]

    def refuse(self):
        raise CommandError(self.error) if self.error else Mismatch()


class Word(Item):
    """One word; ``convert`` makes a value of it or raises CommandError."""

    least = most = 1

    def __init__(self, name, kind="string", convert=None, error=None):
        self.name, self.kind, self.error = name, kind, error
        self.attr = name.lower().replace("-", "_")
        self.convert = convert or (lambda word: word)

    def parse(self, argv, at, request):
        if at >= len(argv):
            self.refuse()
        setattr(request, self.attr, self.convert(argv[at]))
        return at + 1

    def keys(self, request):
        value = getattr(request, self.attr)
        return [value] if self.kind == "key" and value is not None else []

    def usage(self):
        return self.name

    def docs(self):
        position = {"key_spec_index": 0} if self.kind == "key" else {}
        return {"name": self.name, "type": self.kind, **position}


class Choice(Word):
    """One of several words, case-insensitive; the value is the word in lower case."""

    def __init__(self, name, *words, error=None):
        super().__init__(name, "oneof", self.select, error)
        self.words = words
        self.values = {word.lower().encode(): word.lower() for word in words}

    def select(self, word):
        return self.values.get(word.lower()) or self.refuse()

    def usage(self):
        return "|".join(self.words)

    def docs(self):
        return {"name": self.name, "type": "oneof",
                "arguments": [Token(word).docs() for word in self.words]}


class Token(Item):
    """A fixed word, case-insensitive: sets its attribute to true."""

    least = most = 1

    def __init__(self, token, name=None):
        self.token, self.name = token, name or token.lower()
        self.attr = self.name.lower().replace("-", "_")
        self.word = token.lower().encode()

    def parse(self, argv, at, request):
        if at >= len(argv) or argv[at].lower() != self.word:
            self.refuse()
        setattr(request, self.attr, True)
        return at + 1

    def defaults(self):
        return {self.attr: False}

    def usage(self):
        return self.token

    def docs(self):
        return {"name": self.name, "type": "pure-token", "token": self.token}


class Literal(Token):
    """A fixed word that must match exactly and means nothing by itself, such as ``->``."""

    def __init__(self, token, error=None):
        super().__init__(token)
        self.error = error
        self.word = token.encode()

    def parse(self, argv, at, request):
        if at >= len(argv) or argv[at] != self.word:
            self.refuse()
        return at + 1

    def defaults(self):
        return {}


class Rest(Item):
    """All remaining words, as they came."""

    most = None

    def __init__(self, name="words", least=0, error=None):
        self.name, self.attr, self.least, self.error = name, name, least, error

    def parse(self, argv, at, request):
        if len(argv) - at < self.least:
            self.refuse()
        setattr(request, self.attr, argv[at:])
        return len(argv)

    def usage(self):
        first = f"{self.name} " if self.least else ""
        return f"{first}[{self.name} ...]"

    def docs(self):
        flags = {"multiple"} if self.least else {"optional", "multiple"}
        return {"name": self.name, "type": "string", "flags": flags}


class Raw(Rest):
    """All remaining words, for a parser of their own; ``text`` tells people what they are."""

    def __init__(self, text, least=0, name="words"):
        super().__init__(name, least)
        self.text = text

    def usage(self):
        return self.text

    def docs(self):
        """By its text, which redis-cli shows as a hint."""
        return {"name": self.text, "type": "string"}


def key(name="key"):
    return Word(name, "key")


def string(name):
    return Word(name)


def pattern(name="pattern"):
    return Word(name, "pattern")


def integer(name, least=None, most=None, error=NOT_INTEGER, kind="integer"):
    """A 64-bit integer, within [least, most] where given."""

    def convert(word):
        number = parse_integer(word, error)
        if (least is not None and number < least) or (most is not None and number > most):
            raise CommandError(error)
        return number

    return Word(name, kind, convert)


def double(name, error=NOT_DOUBLE):
    return Word(name, "double", lambda word: parse_real(word, error))


choice, flag, literal, rest = Choice, Token, Literal, Rest
