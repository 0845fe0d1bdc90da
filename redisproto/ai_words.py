"""The words of AI.* commands, whose checks come in a fixed order and have texts of their own."""

from .errors import CommandError
from .numbers import parse_integer

LARGEST = 2**31 - 1


class Words:
    """A cursor over the words of a request."""

    def __init__(self, argv, at=0):
        self.argv, self.at = argv, at

    @property
    def left(self):
        return len(self.argv) - self.at

    def take(self, error):
        """The next word; CommandError if there is none."""
        if not self.left:
            raise CommandError(error)
        self.at += 1
        return self.argv[self.at - 1]

    def match(self, token):
        """Whether the next word is ``token`` (upper case); then it is taken."""
        found = self.left > 0 and self.argv[self.at].upper() == token
        self.at += found
        return found

    def number(self, error, least=0):
        """An integer from ``least``."""
        number = parse_integer(self.take(error), error)
        if not least <= number <= LARGEST:
            raise CommandError(error)
        return number

    def some(self, count, error):
        """The next ``count`` words."""
        if count > self.left:
            raise CommandError(error)
        self.at += count
        return self.argv[self.at - count : self.at]
