"""``respnet serve``: the server. Its options are the rows of ``respnet.redisproto.settings``."""

import errno
import logging
import os
import socket
from pathlib import Path

from . import __version__
from .cli_errors import CliError

SUMMARY = "run the server, on loopback and port 6390 unless told otherwise"
EXAMPLE = "respnet serve --port 6400 --dir /var/lib/respnet --appendfsync always"
DEFAULT_FILE = Path("respnet.toml")
KEPT = "respnet-data"  # the folder of the store, here, unless another one (or "") is named
USAGE = 2
# Redis has "notice" where Python has INFO, and "verbose" between it and DEBUG.
LEVELS = {"debug": 10, "verbose": 15, "notice": 20, "warning": 30}
SEVERAL = ("words", "save points", "output limit")  # kinds that are several words


def add(parser) -> None:
    from respnet.redisproto.config import rows

    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings; ./respnet.toml if it is there"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="show every setting and its origin, then leave"
    )
    group = parser.add_argument_group(
        "settings", "also RESPNET_NAME in the environment, or name = value in the file"
    )
    for row in rows():
        kind = "|".join(row.words) if row.words else row.kind
        group.add_argument(
            f"--{row.name}",
            metavar=kind.upper() if not row.words else kind,
            nargs="+" if row.kind in SEVERAL else None,
            help=f"{row.help} ({row.default or 'none'})".replace("%", "%%"),
        )


def run(args) -> int:
    config = load(args)
    if args.print_config:
        for name, value, origin in config.shown():
            print(f"{name} = {value or chr(34) * 2}  # {origin}")
        return 0
    start(config)
    return 0


def load(args):
    from respnet.redisproto.config import Config, SettingError, rows

    if args.config and not args.config.is_file():
        raise CliError(f"--config {args.config}: there is no such file", USAGE)
    path = args.config or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    given = {row.name: getattr(args, row.name.replace("-", "_")) for row in rows()}
    flags = {n: " ".join(v) if isinstance(v, list) else v for n, v in given.items()}
    try:
        config = Config.load(flags, os.environ, path)
        if config.origin["dir"] == "default":
            config.assign("dir", KEPT, "respnet serve")
        return config
    except (SettingError, OSError, ValueError) as problem:
        raise CliError(str(problem), USAGE) from None


def start(config) -> None:
    from respnet.redisproto.listening import ListenError, check_protection
    from respnet.redisproto.server import run
    from respnet.redisproto.store import StoreError

    try:
        check_protection(config)
    except ListenError as problem:
        raise CliError(str(problem), USAGE) from None
    begin_log(config)
    try:
        run(config, ready=tell)
    except ListenError as problem:
        if taken(config):
            port = config["port"]
            raise CliError(f"port {port} is taken; try --port {port + 1}") from None
        raise CliError(str(problem)) from None
    except (StoreError, OSError) as problem:
        raise CliError(str(problem)) from None


def taken(config) -> bool:
    """Whether another process listens on the port of one of our addresses."""
    for address in config["bind"]:
        host = address.removeprefix("-")
        try:
            socket.create_server(
                (host, config["port"]), family=socket.AF_INET6 if ":" in host else socket.AF_INET
            ).close()
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return True
    return False


def begin_log(config) -> None:
    level = LEVELS[config["loglevel"]]
    form = "%(asctime)s %(levelname).1s %(message)s"
    logging.basicConfig(level=level, format=form, filename=config["logfile"] or None)


def tell(server) -> None:
    """The one line a user waits for."""
    config = server.config
    where = " ".join(a.removeprefix("-") for a in config["bind"])
    kept = f"data in {config['dir']}" if config["dir"] else "nothing is kept"
    logging.getLogger("respnet").warning(
        "respnet %s listens on %s port %s; %s", __version__, where, config["port"], kept
    )
