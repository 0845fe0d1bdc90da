"""AI.INFO, AI.CONFIG, and what INFO tells about models."""

import resource
from typing import Literal

from .. import info
from ..access import OK, database
from ..ai_queue import executor_of
from ..command import Family, wrong_count
from ..errors import CommandError
from ..grammar import key, rest, string
from ..network import NetworkValue
from ..numbers import parse_integer
from ..version import REDISAI_VERSION, RESPNET_VERSION
from ..words import Raw

rows = Family("ai", since="1.0.0")

OWN = ("RESPNET", "ONNX", "TF")
NO_STATS = "ERR cannot find run info for key"
UNSUPPORTED = "ERR unsupported subcommand"
CHUNK = "ERR MODEL_CHUNK_SIZE: invalid chunk size"
NOT_LOADED = "ERR error loading backend"
RUNTIMES = {"TF": "TensorFlow", "TFLITE": "TensorFlow_Lite", "ONNX": "onnxruntime",
            "TORCH": "Torch"}  # as INFO names them


@rows.command("ai.info", key(), Raw("[RESETSTAT]"), flags="readonly",
              reply=list[bytes | int] | Literal["OK"],
              summary="How often and how long a model or script has run")
def ai_info(session, request):
    if len(request.argv) > 3:
        raise wrong_count(request.argv[0])
    stats = stats_of(session, request.key)
    if len(request.argv) == 2:
        return stats.fields()
    if request.argv[2].upper() != b"RESETSTAT":
        raise CommandError(UNSUPPORTED)
    stats.reset()
    return OK


def stats_of(session, name):
    """The figures of a name; of a model from before the restart they begin now."""
    executor, place = executor_of(session.server), (session.db, name)
    found = executor.stats.get(place)
    if found is not None:
        return found
    value = database(session).peek(name)
    if isinstance(value, NetworkValue):
        value = executor.network(value)
    count = getattr(value, "count_runs", None)  # of what runs: models, networks, scripts
    stats = count and count(executor.stats, place)
    if stats is None or stats.place != place:
        raise CommandError(NO_STATS)
    return stats


@rows.command("ai.config", string("subcommand"), rest("argument"), flags="write",
              reply=Literal["OK"] | bytes | int | None,
              summary="Settings of models; they end with the server")
def ai_config(session, request):
    words = request.argument
    found = SUBCOMMANDS.get(request.subcommand.upper())
    if found is None:
        raise CommandError(UNSUPPORTED)
    return found(session.server, words)


def load_backend(server, words):
    """Code from a path is never loaded."""
    raise CommandError(NOT_LOADED)


def backends_path(server, words):
    if not words:
        raise CommandError("ERR BACKENDSPATH: missing path argument")
    executor_of(server).path = words[0]
    return OK


def chunk_size(server, words):
    if not words:
        raise CommandError("ERR MODEL_CHUNK_SIZE: missing chunk size")
    size = parse_integer(words[0], CHUNK)
    if size <= 0:
        raise CommandError(CHUNK)
    server.config.change({"model-chunk-size": str(size)})
    return OK


def get(server, words):
    name = words[0].upper() if words else b""
    if name == b"BACKENDSPATH":
        return executor_of(server).path
    return server.config["model-chunk-size"] if name == b"MODEL_CHUNK_SIZE" else None


SUBCOMMANDS = {b"LOADBACKEND": load_backend, b"BACKENDSPATH": backends_path,
               b"MODEL_CHUNK_SIZE": chunk_size, b"GET": get}


# -- INFO MODULES


def ai_versions(server):
    major, rest = divmod(REDISAI_VERSION, 10_000)
    version = f"{major}.{rest // 100}.{rest % 100}"
    return {"ai_RedisAI_version": version, "ai_low_level_API_version": 1, "ai_rdb_version": 4}


def ai_git(server):
    return {"ai_git_sha": f"respnet-{RESPNET_VERSION}"}


def ai_load_time_configs(server):
    config = server.config
    return {"ai_threads_per_queue": config["threads-per-queue"],
            "ai_inter_op_parallelism": 1, "ai_intra_op_parallelism": 1,
            "ai_model_execution_timeout": config["model-execution-timeout"],
            "ai_backend_memory_limit": config["backend-memory-limit"] >> 20}


def ai_backends_info(server):
    """Backends that are there, by the names of the original's: the version is that of respnet, or
    of a runtime that has been started beside it."""
    own = {f"ai_{RUNTIMES.get(name, name)}_version": RESPNET_VERSION for name in OWN}
    return own | {f"ai_{RUNTIMES[name]}_version": runtime.version
                  for name, runtime in executor_of(server).runtimes.items() if runtime.version}


def ai_cpu(server):
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    threads = {f"ai_queue_{name.replace(':', '_')}_bthread_n{number}_used_cpu_total":
               f"{queue.seconds[number - 1]:.6f}"
               for name, queue in executor_of(server).queues.items()
               for number in range(1, queue.threads + 1)}
    return {"ai_self_used_cpu_sys": f"{own.ru_stime:.6f}",
            "ai_self_used_cpu_user": f"{own.ru_utime:.6f}",
            "ai_children_used_cpu_sys": f"{children.ru_stime:.6f}",
            "ai_children_used_cpu_user": f"{children.ru_utime:.6f}", **threads}


info.MODULE_SECTIONS.update({section.__name__: section for section in (
    ai_versions, ai_git, ai_load_time_configs, ai_backends_info, ai_cpu)})
