"""The settings of one server, and where each came from.

    flag  >  RESPNET_*  >  respnet.toml  >  default
"""

import tomllib

from .glob import matcher
from .settings import SETTINGS, SettingError

BY_NAME = {row.name: row for row in SETTINGS}


def rows():
    """All settings, for the options of the command line."""
    return list(SETTINGS)


class Config:
    """``config["maxmemory"]`` is a value; ``config.origin["maxmemory"]`` says where from."""

    def __init__(self, **values):
        self.values, self.origin, self.listeners = {}, {}, {}
        for row in SETTINGS:
            self.assign(row.name, row.default, "default")
        for name, value in values.items():
            self.assign(name.replace("_", "-"), value, "argument")

    @classmethod
    def load(cls, flags=None, env=None, path=None):
        """Flags and environment as dictionaries of text, ``path`` of a TOML file or None."""
        config = cls()
        for name, value in read_toml(path).items():
            config.assign(name, value, str(path))
        for variable, value in (env or {}).items():
            name = variable.removeprefix("RESPNET_").lower().replace("_", "-")
            if variable.startswith("RESPNET_") and name in BY_NAME:
                config.assign(name, value, variable)
        for name, value in (flags or {}).items():
            if value is not None:
                config.assign(name.replace("_", "-"), value, f"--{name.replace('_', '-')}")
        config.read_password()
        return config

    def __getitem__(self, name):
        return self.values[name]

    def assign(self, name, value, origin):
        """Set a value that may come as text, number, truth or list; SettingError with its name."""
        if name not in BY_NAME:
            raise SettingError(f"{origin}: there is no setting {name!r}")
        try:
            self.values[name] = BY_NAME[name].parse(as_text(value))
        except SettingError as error:
            raise SettingError(f"{origin}: {name}: {error}, got {value!r}") from None
        self.origin[name] = origin

    def read_password(self):
        path = self["password-file"]
        if path:
            try:
                with open(path, encoding="utf-8") as file:
                    self.assign("requirepass", file.readline().rstrip("\r\n"), path)
            except OSError as error:
                raise SettingError(f"password-file: {error}") from None

    # -- CONFIG GET and SET

    def matching(self, patterns):
        """{name: text} of the settings that may be shown and match a glob, case-insensitive."""
        shown = {row.name: row.format(self[row.name]) for row in SETTINGS if not row.hidden}
        shown["appendonly"] = "no" if self["appendfsync"] == "off" else "yes"
        wanted = [matcher(pattern.lower()) for pattern in patterns]
        return {name: text for name, text in sorted(shown.items())
                if any(match(name.encode()) for match in wanted)}

    def change(self, changes):
        """CONFIG SET of {name: text}, all or nothing; SettingError names the one that failed."""
        parsed = {}
        for name, text in changes.items():
            row = BY_NAME[name]
            if row.hidden and not row.runtime:
                raise SettingError(name, "can't set protected config")
            if not row.runtime:
                raise SettingError(name, "can't set immutable config")
            try:
                parsed[name] = row.parse(text)
            except SettingError as error:
                raise SettingError(name, str(error)) from None
        for name, value in parsed.items():
            self.values[name], self.origin[name] = value, "CONFIG SET"
            for listener in self.listeners.get(name, ()):
                listener(value)

    def follow(self, name, listener):
        """Call ``listener(value)`` now and after each change."""
        self.listeners.setdefault(name, []).append(listener)
        listener(self[name])

    def shown(self):
        """(name, text, origin) of every setting, for --print-config; passwords are not printed."""
        return [(row.name, "***" if row.kind == "password" and self[row.name] else
                 row.format(self[row.name]), self.origin[row.name]) for row in SETTINGS]


def read_toml(path):
    """Names and values of a file; SettingError if it is not there or not TOML."""
    if path is None:
        return {}
    try:
        with open(path, "rb") as file:
            return {name.replace("_", "-"): value for name, value in tomllib.load(file).items()}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{path}: {error}") from None


def as_text(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
