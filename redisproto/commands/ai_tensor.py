"""Tensors: AI.TENSORSET, AI.TENSORGET."""

from itertools import dropwhile, islice
from typing import Literal

from ..access import OK, database, fetch, fetch_string
from ..ai_tensor import check_target, fetch_tensor, put_tensor
from ..ai_tensor_words import FORMATS, LEAST_WORDS, MOST_WORDS, parse, reply
from ..collection import HashValue, ListValue
from ..command import ERROR_WORD, Family, wrong_count
from ..errors import CommandError
from ..fast_tensors import TensorGet, TensorSet
from ..grammar import key
from ..words import Raw

rows = Family("ai", since="1.0.0")

FROM = ("ERR HASH, LIST or STRING and a key should come after the FROM argument in 'AI.TENSORSET' "
        "command")
NO_SUCH_KEY = "ERR no such key"


class TensorWords(Raw):
    """The words after the key; those of FROM name another key, as COMMAND GETKEYS tells. The
    command keeps its flags: clients of a cluster would ask for the keys of every one."""

    hides_keys = True

    def keys(self, request):
        formats = dropwhile(lambda word: word.lower() not in FORMATS | {b"from"}, request.argv[3:])
        words = list(islice(formats, 3))
        found = len(words) == 3 and words[0].lower() == b"from" and words[1].lower() in SOURCES
        return words[2:] if found else []


DIMS = TensorWords("type [dim ...] [BLOB blob|VALUES value [value ...]|FROM STRING source|"
                   "FROM LIST source|FROM HASH source [field ...]]", least=LEAST_WORDS - 2)


@rows.command("ai.tensorset", key(), DIMS, flags="write denyoom", reply=Literal["OK"],
              complexity="O(N) where N is the number of elements",
              summary="Set a tensor: zeros, bytes, numbers, or what another key holds")
def tensorset(session, request):
    check_target(database(session), request.key)
    put_tensor(session, request.key, parse(request.argv, lambda words: source(session, words)))
    return OK


def source(session, words):
    """What another key holds, as (format, words)."""
    if len(words) < 2 or words[0].lower() not in SOURCES:
        raise CommandError(FROM)
    return SOURCES[words[0].lower()](session, *words[1:])


def from_string(session, key, *more):
    data = existing(fetch_string(session, key))
    return b"blob", [data, *more]


def from_list(session, key, *more):
    return b"values", [*existing(fetch(session, key, ListValue)).items, *more]


def from_hash(session, key, *fields):
    """All values in their order, or those of the fields named."""
    items = existing(fetch(session, key, HashValue)).items
    for field in fields:
        if field not in items:
            shown = field[:ERROR_WORD].decode("latin-1")
            raise CommandError(f"ERR the hash has no field '{shown}'")
    return b"values", [items[field] for field in fields or items]


def existing(value):
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    return value


SOURCES = {b"string": from_string, b"list": from_list, b"hash": from_hash}


@rows.command("ai.tensorget", key(), Raw("[META] [BLOB|VALUES]"), flags="readonly",
              reply=list | bytes, complexity="O(N) where N is the number of elements",
              summary="Get type and shape of a tensor, its bytes, its numbers")
def tensorget(session, request):
    if len(request.argv) > MOST_WORDS:
        raise wrong_count(request.argv[0])
    return reply(fetch_tensor(session, request.key), request.argv[2:])


rows.fast("ai.tensorset", TensorSet())
rows.fast("ai.tensorget", TensorGet())
