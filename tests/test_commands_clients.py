"""The base commands as users meet them: redis-py, redis-cli, redis-benchmark, a real server."""

import shutil
import subprocess
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

ONCE = Retry(NoBackoff(), 0)


def eventually(check, patience=10):
    """Wait until ``check()`` is true."""
    end = time.monotonic() + patience
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.005)
    return found


def test_redis_py_finds_its_way(client):
    assert client.ping() is True
    assert client.set("k", "v", ex=100, nx=True) is True and client.get("k") == b"v"
    assert client.set("k", "w", get=True) == b"v" and client.ttl("k") == -1
    assert client.mset({"a": 1, "b": 2}) and client.mget("a", "b", "c") == [b"1", b"2", None]
    assert client.incrby("a", 41) == 42 and client.exists("a", "b", "c") == 2
    assert client.type("a") == b"string" and client.object("encoding", "a") in (b"int", "int")
    assert client.rename("a", "z") is True and client.copy("z", "y") is True
    assert client.dbsize() == 4 and client.memory_usage("z") > 100
    assert client.expireat("z", int(time.time()) + 50) and 48 <= client.ttl("z") <= 50


def test_redis_py_reads_what_the_server_tells_of_itself(client):
    info = client.info()
    assert info["redis_version"] == "7.0.15" and info["maxmemory"] > 0
    assert info["role"] == "master" and info["connected_clients"] >= 1
    client.set("k", "v", px=90_000)
    assert client.info("keyspace")["db0"]["keys"] == 1
    assert 0 < client.info("keyspace")["db0"]["avg_ttl"] <= 90_000
    assert client.info("commandstats")["cmdstat_set"]["calls"] >= 1
    assert client.info("memory")["used_memory"] > 0
    assert client.config_get("save", "appendonly") == {"save": "", "appendonly": "yes"}
    assert client.command_count() == len(client.command()) > 70
    assert client.command_getkeys("MSET", "a", 1, "b", 2) in (["a", "b"], [b"a", b"b"])
    assert abs(client.time()[0] - time.time()) < 5
    assert client.module_list() == [] or client.module_list()


def test_a_client_has_a_name_and_is_listed(server):
    one, two = server.redis(client_name="one"), server.redis(protocol=2)
    assert one.client_getname() == b"one" and two.client_getname() is None
    me = one.client_info()
    assert me["id"] == one.client_id() and me["name"] == "one" and me["lib-name"] == "redis-py"
    assert two.ping()
    rows = {row["id"]: row for row in one.client_list()}
    assert rows[str(two.client_id())]["resp"] == "2" and rows[str(me["id"])]["resp"] == "3"


def test_a_client_can_be_ended(server):
    one, two = server.redis(), server.redis()
    address = two.client_info()["addr"]
    assert one.client_kill_filter(_id=str(two.client_id())) == 1
    assert eventually(lambda: address not in {row["addr"] for row in one.client_list()})
    with pytest.raises(redis.ResponseError, match="No such client"):
        one.client_kill(address)
    assert one.client_kill(two.client_info()["addr"]) is True
    assert one.client_kill_filter(_type="normal", skipme=False) >= 1


def test_scan_iter_finds_all(client):
    client.mset({f"key:{n}": n for n in range(1000)})
    found = list(client.scan_iter(match="key:?5*", count=7))
    assert sorted(found) == sorted(f"key:{n}".encode() for n in range(1000) if str(n)[1:2] == "5")
    assert len(list(client.scan_iter())) == 1000


def test_keys_of_a_large_database_come_in_slices(server):
    client, other = server.redis(), server.redis()
    for start in range(0, 30_000, 10_000):
        client.mset({f"{n}": "" for n in range(start, start + 10_000)})
    assert len(client.keys("*7")) == 3000
    pipe = client.pipeline(transaction=True)
    pipe.keys("1*").dbsize()
    assert [len(pipe.execute()[0]), other.dbsize()] == [11_111, 30_000]
    assert client.keys("29999") == [b"29999"] and client.flushall()
    assert client.keys("*") == []


def test_a_transaction_sees_a_write_by_another(client, server):
    client.set("n", 1)
    with client.pipeline() as pipe:
        pipe.watch("n")
        server.redis().incr("n")
        pipe.multi()
        pipe.set("n", 100)
        with pytest.raises(redis.WatchError):
            pipe.execute()
    with client.pipeline() as pipe:
        pipe.watch("n")
        pipe.multi()
        assert pipe.incr("n").get("n").execute() == [3, b"3"]


def test_a_watched_key_that_expires_is_a_change(client):
    client.set("n", 1, px=30)
    with client.pipeline() as pipe:
        pipe.watch("n")
        assert eventually(lambda: not pipe.exists("n"))
        pipe.multi()
        pipe.get("n")
        with pytest.raises(redis.WatchError):
            pipe.execute()


def test_keys_expire_without_being_looked_at(client):
    client.mset({f"{n}": "" for n in range(2000)})
    for n in range(2000):
        client.pexpire(f"{n}", 20)
    assert eventually(lambda: client.dbsize() == 0)
    assert client.info("stats")["expired_keys"] >= 2000


def test_a_password_is_asked_for(serve):
    server = serve(requirepass="s3cret")
    stranger = server.redis(protocol=2, retry=ONCE)
    with pytest.raises(redis.AuthenticationError, match="Authentication required"):
        stranger.get("k")
    with pytest.raises(redis.AuthenticationError):
        server.redis(password="wrong", retry=ONCE).ping()
    for protocol in (2, 3):
        friend = server.redis(protocol=protocol, password="s3cret")
        assert friend.ping() and friend.config_get("requirepass") == {}
    friend.config_set("requirepass", "other")
    assert server.redis(password="other", username="default").ping()
    with pytest.raises(redis.AuthenticationError):
        server.redis(password="s3cret", retry=ONCE).ping()
    assert "s3cret" not in str(friend.config_get("*")) + str(friend.info("everything"))


def test_reset_asks_for_the_password_again(serve):
    server = serve(requirepass="s3cret")
    raw = server.connect()
    assert raw.ask(b"AUTH s3cret\r\nRESET\r\nGET k\r\n", 3)[:2] == [b"OK", b"RESET"]
    assert "NOAUTH" in str(raw.ask(b"GET k\r\n")[0])


def test_memory_has_a_limit(client):
    try:
        client.config_set("maxmemory", "1mb")
        with pytest.raises(redis.OutOfMemoryError, match="used memory > 'maxmemory'"):
            for n in range(100):
                client.set(f"{n}", "x" * 50_000)
        assert client.dbsize() < 30 and client.get("0") == b"x" * 50_000
        assert client.delete("0", "1") == 2 and client.set("0", "x")
    finally:
        client.config_set("maxmemory", "0")


def test_the_slow_log_keeps_the_slow(client):
    client.config_set("slowlog-log-slower-than", 0)
    client.config_set("slowlog-max-len", 3)
    try:
        client.slowlog_reset()
        client.execute_command("MGET", *(f"key{n}" for n in range(40)))
        entry = client.slowlog_get(1)[0]
        words = entry["command"].split(b" ")
        assert words[:2] == [b"MGET", b"key0"] and b"(10 more arguments)" in entry["command"]
        assert entry["duration"] >= 0
        client.incr("a"), client.incr("a"), client.incr("a")
        assert client.slowlog_len() == 3
    finally:
        client.config_set("slowlog-log-slower-than", 10_000)


def test_monitor_shows_what_others_do(server):
    with server.redis(protocol=2).monitor() as monitor:
        server.redis(protocol=2).set("k", 'a "b"\n')
        seen = [monitor.next_command()["command"] for _ in range(3)]
    assert seen[-1] == 'SET k a "b"\\n'


def test_what_was_saved_is_there_after_a_restart(serve, tmp_path):
    server = serve(dir=str(tmp_path / "data"))
    client = server.redis()
    before = client.lastsave()
    client.set("k", "x" * 3_000_000)
    client.set("gone", "v", px=1)
    client.set("later", "v", ex=1000)
    client.select(3)
    assert client.save() is True and client.bgsave()
    assert client.lastsave() >= before
    assert server.end() == 0
    server.start()
    client = server.redis()
    assert client.get("k") == b"x" * 3_000_000 and client.exists("gone") == 0
    assert 990 < client.ttl("later") <= 1000


def test_shutdown_ends_the_server(serve):
    server = serve()
    server.redis(retry=ONCE).shutdown(nosave=True)
    assert server.process.wait(20) == 0


def test_a_server_without_a_folder_does_not_pretend_to_save(serve):
    client = serve(dir="").redis()
    with pytest.raises(redis.ResponseError, match="keeps nothing on disk"):
        client.save()
    with pytest.raises(redis.ResponseError, match="keeps nothing on disk"):
        client.bgsave()


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="there is no redis-cli here")
def test_redis_cli_prints_what_it_should(server):
    def cli(*words):
        command = ["redis-cli", "-p", str(server.port), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout

    assert cli("SET", "k", "v") == "OK\n"
    assert cli("-3", "CONFIG", "GET", "timeout").split() == ["timeout", "0"]
    assert "COPY" in cli("COMMAND", "DOCS", "copy").upper()
    assert "key type [dim ...] [BLOB" in cli("HELP", "AI.TENSORSET")
    assert "redis_version:7.0.15" in cli("INFO", "server")
    assert "k" in cli("--scan")


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="there is no redis-cli here")
def test_redis_cli_reads_commands(server):
    """As a terminal does: it reads the table of commands first, and trusts its form."""
    for protocol in ("-2", "-3"):
        done = subprocess.run(["redis-cli", protocol, "-p", str(server.port)], input="PING\n",
                              capture_output=True, text=True, timeout=20)
        assert (done.returncode, done.stdout, done.stderr) == (0, "PONG\n", "")


@pytest.mark.skipif(shutil.which("redis-benchmark") is None, reason="no redis-benchmark here")
def test_redis_benchmark_runs(server):
    command = ["redis-benchmark", "-p", str(server.port), "-n", "2000", "-q", "-P", "16",
               "-t", "ping,set,get,incr,mset"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "WARNING" not in done.stderr
    assert [name in done.stdout for name in ("SET", "GET", "INCR", "MSET")] == [True] * 4
