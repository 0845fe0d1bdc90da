"""``respnet top``: what a server does, once a second. Collected as data, then drawn."""

import json
import time

from .cli_errors import CliError
from .draw import sparkline
from .extras import need
from .info import pairs, text

SUMMARY = "watch a server: requests, memory, networks, trainings"
EXAMPLE = "respnet top 127.0.0.1:6390 --once --json"
NETWORK_COLUMNS = ["network", "type", "layout", "train", "test", "cycles", "error", "test-error"]
RATE_SECONDS = 0.2  # between the two looks of --once
NETWORKS = 200  # shown at most; INFO tells how many there are


def add(parser) -> None:
    parser.add_argument(
        "server",
        nargs="?",
        default="127.0.0.1:6390",
        metavar="HOST:PORT",
        help="or a URL: redis://:password@host:port/db",
    )
    parser.add_argument("--once", action="store_true", help="one look, then leave")
    parser.add_argument("--json", action="store_true", help="one JSON object a look")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")


def run(args) -> int:
    redis = need("redis", "client")
    url = args.server if "://" in args.server else f"redis://{args.server}"
    try:
        connection = redis.Redis.from_url(url, socket_timeout=5)
    except ValueError as problem:
        raise CliError(f"{args.server}: {problem}", code=2) from None
    try:
        watch(connection, args)
    except redis.exceptions.RedisError as problem:
        raise CliError(f"{args.server}: {problem}") from None
    return 0


def watch(connection, args) -> None:
    looks = Looks(connection)
    if args.once or args.json:
        show = print_json if args.json else print_page
        time.sleep(RATE_SECONDS)
        show(looks.collect())
        while not args.once:
            time.sleep(args.every)
            show(looks.collect())
        return
    from rich.live import Live

    with Live(page(looks.collect()), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(args.every)
            live.update(page(looks.collect()), refresh=True)


# --- data -----------------------------------------------------------------------------------


class Looks:
    """Looks at a server; the rate of requests is between one and the next."""

    def __init__(self, connection):
        self.connection = connection
        self._seen = self._counted(connection.info())

    @staticmethod
    def _counted(info: dict) -> tuple[float, int]:
        return time.monotonic(), info["total_commands_processed"]

    def _rate(self, info: dict) -> float:
        before, self._seen = self._seen, self._counted(info)
        seconds = max(1e-3, self._seen[0] - before[0])
        return round((self._seen[1] - before[1]) / seconds, 1)

    def collect(self) -> dict:
        """One look: {"server": ..., "networks": [...], "trainings": [...]}."""
        connection, keys = self.connection, []
        info = connection.info()
        found = {"requests_per_second": self._rate(info)}
        for key in connection.scan_iter(_type="neural-NN", count=1000):
            keys.append(text(key))
            if len(keys) == NETWORKS:
                break
        networks = [n for key in sorted(keys) if (n := network(connection, key))]
        return {
            "server": {**server(info), **found},
            "networks": networks,
            "trainings": [training(connection, n) for n in networks if n["training"]],
        }


def server(info: dict) -> dict:
    names = {
        "version": "respnet_version",
        "uptime_seconds": "uptime_in_seconds",
        "requests": "total_commands_processed",
        "clients": "connected_clients",
        "memory_bytes": "used_memory",
        "memory_limit_bytes": "maxmemory",
    }
    return {ours: info.get(theirs) for ours, theirs in names.items()}


def network(connection, key: str) -> dict | None:
    """One network, None if it went away since the look at the keys."""
    from redis.exceptions import ResponseError

    try:
        info = pairs(connection.execute_command("NR.INFO", key))
    except ResponseError:
        return None
    return {
        "key": key,
        "type": info["type"],
        "layout": info["layout"],
        "training": bool(info["training"]),
        "train_rows": info["training-dataset-len"],
        "test_rows": info["test-dataset-len"],
        "cycles": info["training-total-cycles"],
        "train_error": info["dataset-error"],
        "test_error": info["test-error"],
        "class_errors_percent": info.get("classification-errors-perc"),
    }


def training(connection, net: dict) -> dict:
    """A running training: where it is and the curve of its error so far."""
    progress = pairs(connection.execute_command("NR.PROGRESS", net["key"]))
    return {"key": net["key"], **progress}


# --- drawing --------------------------------------------------------------------------------


def print_json(state: dict) -> None:
    print(json.dumps(state), flush=True)


def print_page(state: dict) -> None:
    from rich.console import Console

    Console().print(page(state))


def page(state: dict):
    from rich.console import Group

    parts = [headline(state["server"]), network_table(state["networks"])]
    if state["trainings"]:
        parts.append(training_table(state["trainings"]))
    return Group(*parts)


def headline(server: dict):
    from rich.text import Text

    memory = f"{(server['memory_bytes'] or 0) / 2**20:.1f} MiB"
    if server["memory_limit_bytes"]:
        memory += f" of {server['memory_limit_bytes'] / 2**20:.0f}"
    return Text(
        f"respnet {server['version']}, up {server['uptime_seconds']} s   "
        f"{server['requests_per_second']} requests/s   {server['clients']} clients   {memory}\n",
        style="bold",
    )


def network_table(networks: list[dict]):
    table = plain_table(*NETWORK_COLUMNS)
    for n in networks:
        layout = "-".join(map(str, n["layout"]))
        error = f"{n['test_error']:.4g}"
        if n["class_errors_percent"] is not None:
            error += f" ({n['class_errors_percent']:g} %)"
        numbers = (n["train_rows"], n["test_rows"], n["cycles"])
        add_row(table, n["key"], n["type"], layout, *numbers, f"{n['train_error']:.4g}", error)
    return table


def training_table(trainings: list[dict]):
    table = plain_table("training", "cycle", "seconds", "error", "curve")
    for t in trainings:
        numbers = (t["cycle"], f"{t['seconds']:.1f}", f"{t['error'] or 0:.4g}")
        add_row(table, t["key"], *numbers, sparkline(t["curve"], 30))
    return table


def plain_table(*columns: str):
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def add_row(table, *cells) -> None:
    """Cells as text that is shown as it is: a key may look like markup or hold anything."""
    from rich.text import Text

    table.add_row(*(Text("".join(c if c.isprintable() else "?" for c in str(x))) for x in cells))
