"""Settings: where they come from, what they take, what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respnet.redisproto import auth, config, settings
from respnet.redisproto.config import Config
from respnet.redisproto.settings import SETTINGS, SettingError


def test_flags_win_over_environment_over_file_over_defaults(tmp_path):
    file = tmp_path / "respnet.toml"
    file.write_text('port = 1\ntimeout = 2\nthreads = 3\nbind = ["0.0.0.0", "::"]\nsave = ""\n')
    env = {"RESPNET_PORT": "10", "RESPNET_TIMEOUT": "20", "RESPNET_LEVEL": "avx2", "PORT": "7"}
    got = Config.load({"port": 100, "maxclients": None}, env, file)
    assert (got["port"], got["timeout"], got["threads"], got["databases"]) == (100, 20, 3, 16)
    assert got["bind"] == ("0.0.0.0", "::")
    origins = [got.origin[name] for name in ("port", "timeout", "threads", "databases")]
    assert origins == ["--port", "RESPNET_TIMEOUT", str(file), "default"]


@pytest.mark.parametrize("text, message", [
    ("prot = 1", "there is no setting 'prot'"),
    ("port = 70000", "port: argument must be between 0 and 65535 inclusive, got 70000"),
    ("port = ", "respnet.toml: "),
])
def test_a_file_with_a_mistake_is_refused(tmp_path, text, message):
    file = tmp_path / "respnet.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=message):
        Config.load(path=file)


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(SettingError, match="nowhere.toml"):
        Config.load(path=tmp_path / "nowhere.toml")
    with pytest.raises(SettingError, match="nowhere.txt"):
        Config.load({"password_file": str(tmp_path / "nowhere.txt")})


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_what_is_shown_can_be_read_again(row):
    value = row.parse(row.default)
    assert row.parse(row.format(value)) == value
    assert row.help and row.kind in settings.PARSERS


@pytest.mark.parametrize("text, size", [
    ("0", 0), ("100", 100), ("1k", 1000), ("1kb", 1024), ("2MB", 2 << 20), ("1g", 10**9),
])
def test_memory_is_read_with_its_unit(text, size):
    assert Config(maxmemory=text)["maxmemory"] == size


@pytest.mark.parametrize("name, text", [
    ("maxmemory", "1zb"), ("maxmemory", "-1"), ("maxmemory", "1.5gb"), ("maxmemory", ""),
    ("port", "1_0"), ("port", "٣"), ("port", " "), ("timeout", "1e3"), ("databases", "0"),
    ("protected-mode", "maybe"), ("appendfsync", "sometimes"), ("save", "60"), ("save", "a b"),
    ("client-output-buffer-limit", "normal 1mb"), ("maxclients", "0"), ("nonsense", "1"),
])
def test_what_makes_no_sense_is_refused(name, text):
    with pytest.raises(SettingError, match=name):
        Config(**{name.replace("-", "_"): text})


def test_the_memory_limit_is_a_part_of_the_machine():
    assert 64 << 20 < Config()["maxmemory"] < settings.memory_limit()


def test_passwords_are_kept_as_hashes_and_never_shown(tmp_path):
    file = tmp_path / "password"
    file.write_text("s3cret\nmore\n")
    got = Config.load({"password-file": str(file)})
    assert got["requirepass"].startswith("sha256:") and "s3cret" not in str(vars(got))
    assert auth.verify(b"s3cret", got["requirepass"])
    assert not auth.verify(got["requirepass"].encode(), got["requirepass"])
    assert Config(requirepass=got["requirepass"])["requirepass"] == got["requirepass"]
    assert ("requirepass", "***", str(file)) in got.shown()
    assert "sha256" not in str(got.matching([b"*"])) + str(got.shown())


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_only_the_password_itself_is_right(word, other):
    stored = auth.hash_password(word.decode("utf-8", "surrogateescape"))
    assert auth.verify(word, stored)
    assert auth.verify(other, stored) == (other == word)


def test_paths_are_neither_shown_nor_set_over_the_wire():
    paths = [row.name for row in SETTINGS if row.kind == "path"]
    assert {"dir", "logfile", "unixsocket"} <= set(paths)
    shown = Config().matching([b"*"])
    for name in paths:
        assert name not in shown
        with pytest.raises(SettingError) as caught:
            Config().change({name: "/tmp"})
        assert caught.value.args == (name, "can't set protected config")


def test_changes_are_all_or_nothing_and_are_followed():
    got, seen = Config(maxmemory="1mb"), []
    got.follow("maxmemory", seen.append)
    with pytest.raises(SettingError):
        got.change({"maxmemory": "2mb", "timeout": "x"})
    assert got["maxmemory"] == 1 << 20
    got.change({"maxmemory": "2mb", "timeout": "5"})
    assert seen == [1 << 20, 2 << 20] and got["timeout"] == 5
    assert got.origin["maxmemory"] == "CONFIG SET"


def test_the_rows_are_there_for_the_command_line():
    names = [row.name for row in config.rows()]
    assert len(names) == len(set(names))
    assert {"port", "bind", "threads", "requirepass", "maxmemory"} <= set(names)
