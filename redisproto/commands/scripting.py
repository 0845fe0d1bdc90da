"""Lua and functions: refused. A script that a client sends is never run."""

from ..command import Family
from ..errors import CommandError
from ..words import Raw

rows = Family("scripting", since="2.6.0")

FLAGS = "noscript stale skip_monitor no_mandatory_keys movablekeys"
SUMMARY = "Refused: there is no Lua here"
REFUSED = "ERR {} is not supported: this server runs no Lua"


def refuse(session, request):
    raise CommandError(REFUSED.format(request.argv[0].decode("latin-1").upper()))


for name, first in [("eval", "script"), ("evalsha", "sha1"), ("fcall", "function")]:
    rows.command(name, Raw(f"{first} numkeys [key ...] [arg ...]", least=2), flags=FLAGS,
                 categories="scripting", reply=None, summary=SUMMARY)(refuse)

rows.command("script", Raw("subcommand [arg ...]", least=1), categories="", reply=None,
             summary=SUMMARY)(refuse)
