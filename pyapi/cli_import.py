"""``respnet import URL``: copy the keys of another server, with their time to live, into this one.

Tensors, models and scripts are read by the commands of RedisAI, everything else by DUMP; what one
way does not copy is tried the other way. Running it again gives the same keys.
"""

from collections import Counter

from .cli_errors import CliError
from .extras import need

SUMMARY = "copy networks, tensors, models and plain keys from another server"
EXAMPLE = "respnet import redis://old-server:6379 --match 'fraud:*'"
PAGE = 500  # keys of one SCAN
TRAIN_AGAIN = "layout and rows; weights cannot be read from there: NR.TRAIN again"


def add(parser) -> None:
    parser.add_argument("source", metavar="URL", help="redis://[:password@]host[:port]")
    parser.add_argument("--to", default="redis://127.0.0.1:6390", metavar="URL", help="the target")
    parser.add_argument("--db", type=int, default=0, metavar="N", help="database in both")
    parser.add_argument("--match", default="*", metavar="GLOB", help="only keys like this")
    parser.add_argument("--keep", action="store_true", help="leave keys that the target has")


def run(args) -> int:
    redis = need("redis", "client")
    counts: Counter = Counter()
    try:
        # RESP2: replies have one form, whatever the server's age.
        source, target = (
            redis.Redis.from_url(url, db=args.db, protocol=2) for url in (args.source, args.to)
        )
        for key in sorted(set(source.scan_iter(args.match, PAGE))):
            word, why = copied(source, target, key, args.keep)
            counts[word] += 1
            print(f"{word} {readable(key)}" + (f": {why}" if why else ""))
    except ValueError as problem:
        raise CliError(str(problem), code=2) from None
    except redis.exceptions.RedisError as problem:
        raise CliError(str(problem)) from None
    print(", ".join(f"{counts[word]} {word}" for word in ("ok", "skipped", "failed")))
    return 1 if counts["failed"] else 0


def readable(key: bytes) -> str:
    text = key.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else ascii(text)


def copied(source, target, key: bytes, keep: bool) -> tuple[str, str]:
    """(ok, skipped or failed, why)"""
    from redis.exceptions import ResponseError

    kind = source.type(key).decode()
    if kind == "none":
        return "skipped", "gone meanwhile"
    if keep and target.exists(key):
        return "skipped", "the target has it"
    own = COMMANDS.get(kind)
    ways = [by_dump] if own is None else [by_dump, own]
    if kind.startswith("AI_"):
        ways.reverse()
    problems = []
    for way in ways:
        try:
            return "ok", way(source, target, key) or ""
        except ResponseError as problem:
            if str(problem) not in problems:
                problems.append(str(problem))
    return "failed", f"a value of type {kind}: {'; '.join(problems)}"


def by_dump(source, target, key: bytes) -> None:
    payload, left = source.dump(key), max(source.pttl(key), 0)
    if payload is not None:
        target.restore(key, left, payload, replace=True)


# --- by commands: what makes the value again, then its time to live -----------------------------


def sent(source, target, key: bytes, *commands, whole: bool = True) -> None:
    """Make a key anew by commands. whole: at once, so that nobody sees it half made."""
    left = source.pttl(key)
    with target.pipeline(transaction=whole) as pipe:
        pipe.delete(key)
        for words in commands:
            pipe.execute_command(*words)
        if left > 0:
            pipe.pexpire(key, left)
        pipe.execute()


def string(source, target, key):
    sent(source, target, key, ("SET", key, source.get(key)))


def list_(source, target, key):
    sent(source, target, key, ("RPUSH", key, *source.lrange(key, 0, -1)))


def set_(source, target, key):
    sent(source, target, key, ("SADD", key, *sorted(source.smembers(key))))


def hash_(source, target, key):
    words = [word for pair in source.hgetall(key).items() for word in pair]
    sent(source, target, key, ("HSET", key, *words))


def fields_of(reply) -> dict:
    """Names and values in turn, the names in lower case."""
    return {bytes(name).decode().lower(): value
            for name, value in zip(reply[::2], reply[1::2], strict=True)}


def tensor(source, target, key):
    meta = fields_of(source.execute_command("AI.TENSORGET", key, "META", "BLOB"))
    sent(source, target, key,
         ("AI.TENSORSET", key, meta["dtype"], *meta["shape"], "BLOB", meta["blob"]))


def model(source, target, key):
    meta = fields_of(source.execute_command("AI.MODELGET", key, "META", "BLOB"))
    words = ["TAG", meta["tag"]] if meta.get("tag") else []
    for name in ("batchsize", "minbatchsize", "minbatchtimeout"):
        if not meta.get(name):
            break
        words += [name.upper(), meta[name]]
    if meta["backend"] == b"TF":
        for name in ("inputs", "outputs"):
            words += [name.upper(), len(meta[name]), *meta[name]]
    blob = meta["blob"] if isinstance(meta["blob"], list) else [meta["blob"]]
    sent(source, target, key,
         ("AI.MODELSTORE", key, meta["backend"], meta["device"], *words, "BLOB", *blob),
         whole=False)  # within MULTI the target would stand still while it loads


def script(source, target, key):
    meta = fields_of(source.execute_command("AI.SCRIPTGET", key, "META", "SOURCE"))
    points = meta.get("entry points")
    words = ["TAG", meta["tag"]] if meta.get("tag") else []
    points = ["ENTRY_POINTS", len(points), *points] if points else []
    command = "AI.SCRIPTSTORE" if points else "AI.SCRIPTSET"
    sent(source, target, key,
         (command, key, meta["device"], *words, *points, "SOURCE", meta["source"]))


def network(source, target, key):
    """Of Neural Redis, whose commands tell layout and rows, but no weights."""
    info = fields_of(source.execute_command("NR.INFO", key))
    units = [str(n) for n in info["layout"]]
    sizes = ("DATASET", info["training-dataset-maxlen"], "TEST", info["test-dataset-maxlen"])
    more = ("NORMALIZE",) if info["auto-normalization"] else ()
    commands = [("NR.CREATE", key, info["type"], *units[:-1], "->", units[-1], *more, *sizes)]
    for name, count in (("TRAIN", "training-dataset-len"), ("TEST", "test-dataset-len")):
        for row in range(info[count]):
            inputs, outputs = source.execute_command("NR.GETDATA", key, name, row)
            if info["type"] == b"classifier":
                outputs = [max(range(len(outputs)), key=lambda n: float(outputs[n]))]
            commands.append(("NR.OBSERVE", key, *inputs, "->", *outputs, name))
    sent(source, target, key, *commands)
    return TRAIN_AGAIN


COMMANDS = {
    "string": string,
    "list": list_,
    "set": set_,
    "hash": hash_,
    "AI_TENSOR": tensor,
    "AI__MODEL": model,
    "AI_SCRIPT": script,
    "neural-NN": network,
}
