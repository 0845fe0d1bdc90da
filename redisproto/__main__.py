"""``python -m respnet.redisproto --port 6390 --dir data``: the server without the command line."""

import argparse
import logging
import os
import sys

from .config import Config, rows
from .listening import ListenError
from .server import run
from .settings import SettingError
from .store import StoreError


def main():
    parser = argparse.ArgumentParser(prog="python -m respnet.redisproto")
    for row in rows():
        parser.add_argument(f"--{row.name}", metavar=row.kind, help=row.help.replace("%", "%%"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        run(Config.load(vars(parser.parse_args()), os.environ))
    except (SettingError, ListenError, StoreError, OSError) as error:
        sys.exit(f"respnet: {error}")


if __name__ == "__main__":
    main()
