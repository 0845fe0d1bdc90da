"""Every setting of the server: one row each. Names are Redis' own where Redis has the setting.

``respnet serve --help``, respnet.toml, RESPNET_* and CONFIG GET/SET all follow these rows.
"""

import os
import re
from dataclasses import dataclass

from .auth import hash_password

UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2,
         "g": 1000**3, "gb": 1024**3}
SHARE_OF_MEMORY = 0.75


class SettingError(ValueError):
    """A value that a setting cannot take; the message says what it wanted."""


@dataclass(frozen=True)
class Setting:
    """Name, default as text, how to read it, whether CONFIG SET may change it."""

    name: str
    kind: str  # what the value looks like, for --help: one of PARSERS
    default: str
    help: str
    runtime: bool = False
    hidden: bool = False  # never over the wire: passwords and paths
    low: int = 0
    high: int = 2**63 - 1
    words: tuple = ()

    def parse(self, text):
        """Text -> value, or SettingError."""
        value = PARSERS[self.kind](self, str(text).strip())
        if type(value) is int and not self.low <= value <= self.high:
            raise SettingError(f"argument must be between {self.low} and {self.high} inclusive")
        return value

    def format(self, value):
        """Value -> text, as CONFIG GET shows it."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return " ".join(value) if isinstance(value, tuple) else str(value)


def integer(setting, text):
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise SettingError("argument couldn't be parsed into an integer")
    return int(text)


def memory(setting, text):
    """Bytes: 100, 64kb, 1gb; ``auto`` is 75 % of the machine or its control group."""
    if text == "auto":
        return int(memory_limit() * SHARE_OF_MEMORY)
    found = re.fullmatch(r"([0-9]{1,18})([a-z]*)", text.lower())
    if not found or found[2] not in UNITS:
        raise SettingError("argument must be a memory value")
    return int(found[1]) * UNITS[found[2]]


def boolean(setting, text):
    if text.lower() not in ("yes", "no", "true", "false"):
        raise SettingError("argument must be 'yes' or 'no'")
    return text.lower() in ("yes", "true")


def choice(setting, text):
    if text.lower() not in setting.words:
        raise SettingError(f"argument(s) must be one of the following: {', '.join(setting.words)}")
    return text.lower()


def words(setting, text):
    return tuple(text.split())


def some(setting, text):
    """Several of the setting's words, with commas or blanks between them."""
    found = tuple(text.lower().replace(",", " ").split())
    for word in found:
        choice(setting, word)
    return found


def text(setting, text):
    return text


def password(setting, text):
    """Kept as a hash only, whether it comes as one or in clear."""
    return hash_password(text) if text else ""


def save_points(setting, text):
    """``seconds changes`` pairs, as Redis has them; "" for none."""
    numbers = text.split()
    if len(numbers) % 2 or not all(re.fullmatch(r"[1-9][0-9]{0,9}", n) for n in numbers):
        raise SettingError("Invalid save parameters")
    return " ".join(numbers)


def output_limit(setting, text):
    """``hard soft seconds``, each limit a memory value; Redis' leading class is ignored."""
    parts = text.split()
    parts = parts[1:] if parts and parts[0] == "normal" else parts
    if len(parts) != 3:
        raise SettingError("argument must be 'normal <hard> <soft> <seconds>'")
    hard, soft, seconds = memory(setting, parts[0]), memory(setting, parts[1]), parts[2]
    return ("normal", str(hard), str(soft), str(integer(setting, seconds)))


PARSERS = {
    "integer": integer, "memory": memory, "yes|no": boolean, "choice": choice, "words": words,
    "some": some,
    "text": text, "path": text, "password": password, "save points": save_points,
    "output limit": output_limit,
}


def memory_limit():
    """Bytes this process may use: its control group's limit, or the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            return min(machine, int(file.read()))
    except (OSError, ValueError):  # no such group, or "max": no limit
        return machine


KB, MB, GB = 1024, 1024**2, 1024**3

SETTINGS = [
    # network
    Setting("port", "integer", "6390", "TCP port; 0 for none", high=65535),
    Setting("bind", "words", "127.0.0.1 -::1", "addresses to listen on; - before one: may fail"),
    Setting("unixsocket", "path", "", "path of a Unix socket", hidden=True),
    Setting("unixsocketperm", "text", "600", "mode of the Unix socket, octal"),
    Setting("protected-mode", "yes|no", "yes", "refuse strangers while no password is set",
            runtime=True),
    Setting("tcp-backlog", "integer", "511", "connections waiting to be accepted", low=1),
    Setting("tcp-keepalive", "integer", "300", "seconds between keepalive probes; 0 for none",
            runtime=True, high=2**31 - 1),
    Setting("timeout", "integer", "0", "seconds an idle client may stay; 0 for ever", runtime=True,
            high=2**31 - 1),
    Setting("frame-timeout", "integer", "60", "seconds a half-sent command may wait",
            runtime=True, low=1),
    Setting("tls-cert-file", "path", "", "TLS certificate, PEM", hidden=True),
    Setting("tls-key-file", "path", "", "TLS private key, PEM", hidden=True),
    Setting("tls-ca-cert-file", "path", "", "certificates of clients, PEM", hidden=True),
    Setting("metrics-port", "integer", "0", "port of /metrics for Prometheus; 0 for none",
            high=65535),
    Setting("web", "integer", "0", "port of the dashboard; 0 for none", high=65535),
    # clients
    Setting("requirepass", "password", "", "password; kept as a hash", runtime=True, hidden=True),
    Setting("password-file", "path", "", "file with the password in its first line", hidden=True),
    Setting("maxclients", "integer", "10000", "clients at the same time", runtime=True, low=1,
            high=2**32 - 1),
    Setting("client-query-buffer-limit", "memory", "1gb", "unread bytes of one client",
            runtime=True, low=MB),
    Setting("client-output-buffer-limit", "output limit", "normal 64mb 32mb 10",
            "unsent bytes of one client: hard limit, soft limit, seconds above it", runtime=True),
    Setting("proto-max-bulk-len", "memory", "512mb", "longest argument", runtime=True, low=MB),
    # memory and keys
    Setting("databases", "integer", "16", "numbered databases", low=1, high=1024),
    Setting("maxmemory", "memory", "auto", "refuse writes above; 0 for no limit", runtime=True),
    Setting("maxmemory-policy", "choice", "noeviction", "nothing is ever evicted", runtime=True,
            words=("noeviction",)),
    # durability
    Setting("dir", "path", "", "folder of the store; empty: keep nothing", hidden=True),
    Setting("appendfsync", "choice", "everysec", "when an acknowledged write is on the disk",
            runtime=True, words=("always", "everysec", "no", "off")),
    Setting("save", "save points", "", "snapshot after this many seconds and changes",
            runtime=True),
    # engine
    Setting("threads", "integer", "0", "threads of the engine; 0: one a core", high=1024),
    Setting("training-slots", "integer", "32", "networks training at the same time", runtime=True,
            low=1, high=1024),
    Setting("device", "choice", "cpu", "where networks run", words=("cpu", "gpu")),
    # models
    Setting("threads-per-queue", "integer", "1", "threads that run models on one device", low=1,
            high=64),
    Setting("model-chunk-size", "integer", "535822336", "bytes of a blob that come as one string",
            runtime=True, low=1),
    Setting("model-execution-timeout", "integer", "5000", "milliseconds an ONNX graph may run",
            runtime=True, low=1000, high=2**31 - 1),
    Setting("backends", "some", "", "other runtimes that may run models, each in a process of its "
            "own: onnx,tf,tflite,torch", words=("onnx", "tf", "tflite", "torch")),
    Setting("scripts", "choice", "respnet", "what compiles and runs scripts; torch: all of "
            "TorchScript, in the process of backend torch", words=("respnet", "torch")),
    Setting("backend-memory-limit", "memory", "2gb", "bytes such a process may take besides its "
            "runtime", low=64 * MB, high=2**62),
    # watching
    Setting("enable-debug-command", "choice", "no", "who may use DEBUG RELOAD, for tests",
            words=("no", "local", "yes")),
    Setting("slowlog-log-slower-than", "integer", "10000", "microseconds; negative: log nothing",
            runtime=True, low=-1),
    Setting("slowlog-max-len", "integer", "128", "entries the slow log keeps", runtime=True),
    Setting("latency-monitor-threshold", "integer", "0", "milliseconds; 0: off", runtime=True),
    Setting("loglevel", "choice", "notice", "how much is logged", runtime=True,
            words=("debug", "verbose", "notice", "warning")),
    Setting("logfile", "path", "", "file to log to; empty: standard error", hidden=True),
]
