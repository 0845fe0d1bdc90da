"""Models: AI.MODELSTORE, AI.MODELSET, AI.MODELGET, AI.MODELDEL, AI._MODELSCAN."""

from typing import Literal

from .. import info
from ..access import OK, database
from ..ai_model import ModelValue, model_at, raw, stored_model
from ..ai_orders import store_order
from ..ai_queue import executor_of
from ..ai_shelf import Shelf
from ..command import Family, wrong_count
from ..errors import CommandError
from ..grammar import key
from ..version import REDISAI_VERSION
from ..words import Raw

rows = Family("ai", since="1.0.0")
info.MODULES.append({"name": b"ai", "ver": REDISAI_VERSION})

LIMITS = "[TAG tag] [BATCHSIZE n [MINBATCHSIZE m [MINBATCHTIMEOUT ms]]]"
STORE = (f"backend device {LIMITS} [INPUTS n name [name ...] OUTPUTS n name [name ...]] "
         "BLOB chunk [chunk ...]")
SET = (f"backend device {LIMITS} [INPUTS name [name ...] OUTPUTS name [name ...]] "
       "BLOB chunk [chunk ...]")
COST = "O(N) where N is the size of the model"
MOST_CHUNKS = 65_536
MODELS = Shelf(ModelValue)


@rows.command("ai.modelstore", key(), Raw(STORE, 4), flags="write denyoom",
              since="1.2.5", reply=Literal["OK"], complexity=COST,
              summary="Store a model of a backend; it is loaded beside the other clients")
def modelstore(session, request):
    return store(session, request.key, *store_order(request.argv))


@rows.command("ai.modelset", key(), Raw(SET, 2), flags="write denyoom",
              reply=Literal["OK"], complexity=COST,
              summary="Store a model; deprecated, see AI.MODELSTORE")
def modelset(session, request):
    return store(session, request.key, *store_order(request.argv, old=True))


def store(session, name, options, words):
    seconds = executor_of(session.server).seconds
    return MODELS.store(session, name, lambda: ModelValue.build(options, words, seconds),
                        sum(map(len, words)))


@rows.command("ai.modelget", key(), Raw("[META] [BLOB] | SIGNATURE"), flags="readonly",
              reply=list | bytes,
              complexity=COST, summary="What a model is, or its blob, or both")
def modelget(session, request):
    if len(request.argv) > 4:
        raise wrong_count(request.argv[0])
    model = model_at(executor_of(session.server), database(session), request.key)
    words = {word.upper() for word in request.argv[2:]}
    if b"SIGNATURE" in words:
        return [b"inputs", list(map(signature, model.inputs)),
                b"outputs", list(map(signature, model.outputs))]
    meta, blob = b"META" in words, b"BLOB" in words
    chunk = session.server.config["model-chunk-size"]
    if blob and not meta:
        return chunks(model.blob, chunk)
    fields = described(model)
    return fields if meta and not blob else [*fields, b"blob", chunks(model.blob, chunk)]


def described(model):
    """The first 16 elements."""
    options = model.options
    return [b"backend", options.backend.encode(), b"device", options.device.encode(),
            b"tag", raw(options.tag), b"batchsize", options.batch,
            b"minbatchsize", options.min_batch,
            b"inputs", [raw(name) for name in names(options.inputs, model.inputs)],
            b"outputs", [raw(name) for name in names(options.outputs, model.outputs)],
            b"minbatchtimeout", options.min_timeout]


def names(given, found):
    return given or [slot.name for slot in found]


def signature(slot):
    """[name, type, dims]: "" where the type is not known, -1 where a length may change."""
    dims = None if slot.shape is None else [-1 if n is None else n for n in slot.shape]
    return [raw(slot.name), slot.dtype.encode(), dims]


def chunks(blob, size):
    """One bulk, or from ``size`` bytes on an array of them."""
    if len(blob) < size:
        return blob
    if len(blob) // size >= MOST_CHUNKS:
        raise CommandError(f"ERR the blob has {len(blob)} bytes, too many for chunks of {size}: "
                           f"a reply has at most {MOST_CHUNKS}")
    return [blob[i * size : (i + 1) * size] for i in range(len(blob) // size + 1)]


@rows.command("ai.modeldel", key(), flags="write", reply=Literal["OK"],
              summary="Delete a model; runs that began end as if it were there")
def modeldel(session, request):
    stored_model(session, request.key)
    database(session).delete(request.key)
    return OK


@rows.command("ai._modelscan", flags="readonly", reply=list[list],
              complexity="O(N) where N is the number of models, scripts and networks",
              summary="Keys and tags of all models")
def modelscan(session, request):
    return MODELS.scan(session)
