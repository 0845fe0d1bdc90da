"""The command line. Each command is a module ``cli_NAME`` with ``add(parser)`` and ``run(args)``.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Colour only on a terminal and never
with NO_COLOR.
"""

import argparse
import sys

from . import __version__, cli_check, cli_demo, cli_doctor, cli_import, cli_serve, cli_show, cli_top
from .cli_errors import CliError
from .extras import MissingExtraError

COMMANDS = {
    "serve": cli_serve,
    "demo": cli_demo,
    "top": cli_top,
    "show": cli_show,
    "check": cli_check,
    "doctor": cli_doctor,
    "import": cli_import,
}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="respnet",
        description="Small neural networks, trained and served over the Redis protocol.",
        epilog="example: respnet demo circles",
    )
    parser.add_argument("--version", action="version", version=f"respnet {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY[0].upper() + module.SUMMARY[1:] + ".",
            epilog=f"example: {module.EXAMPLE}",
            allow_abbrev=False,
        )
        module.add(command)
    return parser


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        return COMMANDS[args.command].run(args)
    except CliError as problem:
        print(f"{args.command}: {problem}", file=sys.stderr)
        return problem.code
    except MissingExtraError as problem:
        print(f"respnet: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
