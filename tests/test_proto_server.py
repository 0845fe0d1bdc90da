"""A real server over real sockets: framing, order, transactions, who may do what."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time

import hiredis
import pytest
import redis
from resp_helpers import pack

PING = b"*1\r\n$4\r\nPING\r\n"


def texts(replies):
    return [str(r) if isinstance(r, hiredis.ReplyError) else r for r in replies]


def test_redis_py_in_both_protocols(client):
    assert client.ping()
    assert client.set("k", b"\0\r\n\xff") and client.get("k") == b"\0\r\n\xff"
    assert client.echo("hi") == b"hi"
    with pytest.raises(redis.ResponseError, match="unknown command 'NOPE'"):
        client.execute_command("NOPE", "a")
    with pytest.raises(redis.ResponseError, match="wrong number of arguments for 'get' command"):
        client.execute_command("GET")


def test_half_frames_wait(server):
    link = server.connect()
    for byte in pack(b"ECHO", b"whole"):
        link.send(bytes([byte]))
        time.sleep(0.001)
    assert link.read() == [b"whole"]


def test_inline_commands_and_blanks(server):
    link = server.connect()
    data = b"\r\n*0\r\n*-1\r\nSET a 'b c'\r\nGET a\r\nping\n"
    assert link.ask(data, 3) == [b"OK", b"b c", b"PONG"]


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"*x\r\n", "invalid multibulk length"),
     (b"*1\r\n$536870913\r\n", "invalid bulk length"),
     (b"*1\r\n%1\r\n", "expected '$', got '%'"),
     (b"*1\r\n\r\n", "expected '$', got ' '"),
     (b"*1\r\n$1\r\nabcd", "expected CRLF after a bulk string"),
     (b"GET 'x\r\n", "unbalanced quotes in request"),
     (b"x" * 70_000, "too big inline request")],
)
def test_a_protocol_error_ends_the_connection_after_its_reply(server, data, text):
    link = server.connect()
    link.send(PING + data + PING * 3)
    assert texts(link.rest()) == [b"PONG", "ERR Protocol error: " + text]


def test_input_after_the_end_does_not_reset_the_connection(server):
    link = server.connect()
    link.send(b"*x\r\n")
    time.sleep(0.1)
    for _ in range(10):
        link.send(b"x" * 30_000)
    answer = b""
    while data := link.sock.recv(1000):
        answer += data
    assert answer == b"-ERR Protocol error: invalid multibulk length\r\n"


@pytest.mark.parametrize("data", [b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"Host: x\r\n"])
def test_browsers_are_turned_away(server, data):
    link = server.connect()
    link.send(data + PING)
    assert link.rest() == []


def test_a_deep_pipeline_keeps_its_order(server):
    link = server.connect()
    link.sock.settimeout(60)
    link.send(b"".join(pack(b"ECHO", b"%d" % i) for i in range(5_000)) + PING)
    assert link.read(5_001) == [*(b"%d" % i for i in range(5_000)), b"PONG"]


def test_writes_and_reads_of_a_pipeline_keep_their_order(server):
    link = server.connect()
    data = b"".join(pack(b"SET", b"k", b"%d" % i) + pack(b"GET", b"k") for i in range(2_000))
    link.send(data)
    expected = [x for i in range(2_000) for x in (b"OK", b"%d" % i)]
    assert link.read(4_000) == expected


def test_large_values_go_both_ways(server):
    value = bytes(range(256)) * 40_000
    link = server.connect()
    data = pack(b"SET", b"big", value) + pack(b"GET", b"big") * 3
    assert link.ask(data, 4) == [b"OK", value, value, value]


def test_long_replies_among_short_ones(server):
    """Replies that are not copied keep their place, held back for the store or not."""
    link, value = server.connect(), bytes(range(256)) * 1_000
    gets = [pack(b"GET", b"long"), PING, pack(b"ECHO", value), pack(b"GET", b"short")]
    data = pack(b"SET", b"long", value) + pack(b"SET", b"short", b"s")
    data += b"".join(gets) * 10 + pack(b"MULTI") + b"".join(gets) + pack(b"EXEC")
    replies = [value, b"PONG", value, b"s"]
    for _ in range(3):
        assert link.ask(data, 48) == [b"OK", b"OK", *replies * 10, b"OK", *[b"QUEUED"] * 4, replies]


def test_quit_and_end_of_input(server):
    link = server.connect()
    link.send(PING + pack(b"QUIT") + PING)
    assert link.rest() == [b"PONG", b"OK"]
    link = server.connect()
    link.send(pack(b"SET", b"a", b"b") + b"".join(pack(b"ECHO", b"x" * 500) for _ in range(2_000)))
    link.sock.shutdown(socket.SHUT_WR)
    assert link.rest() == [b"OK", *[b"x" * 500] * 2_000]


def test_transactions(client):
    with client.pipeline(transaction=True) as pipe:
        assert pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, b"2"]


@pytest.mark.parametrize("hello,null", [(b"2", b"*-1\r\n"), (b"3", b"_\r\n")])
def test_exec_after_a_failed_watch_is_a_null_array(server, hello, null):
    link, other = server.connect(), server.connect()
    link.ask(pack(b"HELLO", hello) + pack(b"WATCH", b"w"), 2)
    other.ask(pack(b"SET", b"w", b"1"))
    link.ask(pack(b"MULTI") + pack(b"PING"), 2)
    link.send(pack(b"EXEC"))
    assert link.sock.recv(64) == null


def test_transaction_errors(server):
    link = server.connect()
    data = pack(b"MULTI") + pack(b"GET") + pack(b"SET", b"t", b"1") + pack(b"EXEC")
    replies = texts(link.ask(data + pack(b"GET", b"t"), 5))
    assert replies == [b"OK", "ERR wrong number of arguments for 'get' command", b"QUEUED",
                       "EXECABORT Transaction discarded because of previous errors.", None]
    replies = texts(link.ask(pack(b"MULTI") + pack(b"MULTI") + pack(b"WATCH", b"k")
                             + pack(b"PING") + pack(b"EXEC") + pack(b"EXEC"), 6))
    assert replies[1:3] == ["ERR MULTI calls can not be nested",
                            "ERR WATCH inside MULTI is not allowed"]
    assert replies[5] == "ERR EXEC without MULTI"


def test_a_client_that_goes_before_exec_changes_nothing(server, client):
    link = server.connect()
    link.ask(pack(b"MULTI") + pack(b"SET", b"gone", b"1"), 2)
    link.sock.close()
    assert client.ping() and client.get("gone") is None


def test_strangers(serve):
    server = serve(requirepass="secret")
    link = server.connect()
    unknown = link.ask(pack(b"NOPE") + PING + pack(b"GET", b"a") + pack(b"AUTH", b"wrong"), 4)
    assert texts(unknown)[:3] == ["NOAUTH Authentication required."] * 3
    assert texts(unknown)[3].startswith("WRONGPASS")
    assert texts(server.connect().ask(b"*11\r\n")) == [
        "ERR Protocol error: unauthenticated multibulk length"]
    link.send(pack(b"AUTH", b"secret") + pack(b"SET", b"k", b"x" * 20_000))
    link.send(pack(*[b"PING"] * 11))
    assert link.read(2) == [b"OK", b"OK"]
    assert "wrong number of arguments" in str(link.read()[0])
    assert server.redis(password="secret").get("k") == b"x" * 20_000


def test_a_stranger_cannot_make_the_server_pile_up_replies(serve):
    server = serve(requirepass="secret")
    link = server.connect(timeout=5)
    with pytest.raises(OSError):
        for _ in range(2_000):
            link.send(pack(b"HELLO", b"9") * 1_000)
    assert server.redis(password="secret").ping()


def test_max_clients(serve):
    server = serve(maxclients=3)
    links = [server.connect() for _ in range(3)]
    assert [link.ask(PING) for link in links] == [[b"PONG"]] * 3
    assert texts(server.connect().rest()) == ["ERR max number of clients reached"]
    links[0].sock.close()
    time.sleep(0.1)
    assert server.connect().ask(PING) == [b"PONG"]


def test_idle_clients_and_half_frames_are_cut(serve):
    server = serve(timeout=1, frame_timeout=1)
    idle, half, busy = server.connect(), server.connect(), server.connect()
    half.send(b"*2\r\n$3\r\nGET\r\n$")
    for _ in range(8):
        time.sleep(0.5)
        assert busy.ask(PING) == [b"PONG"]
    assert idle.rest() == [] and half.rest() == []


def test_a_long_command_is_no_half_frame(serve):
    server = serve(frame_timeout=1)
    whole, half = server.connect(), server.connect()
    data = pack(b"SET", b"k", b"x" * 70_000)
    assert whole.ask(data) == [b"OK"]
    half.send(data[:-1])
    assert half.rest() == [] and whole.is_open()


def test_monitor_sees_what_others_do(server):
    monitor, link = server.connect(), server.connect()
    assert monitor.ask(pack(b"MONITOR")) == [b"OK"]
    link.ask(pack(b"SET", b"k\r\n", b'"\xff'))
    line = monitor.read()[0]
    assert line.endswith(b'] "SET" "k\\r\\n" "\\"\\xff"') and b"[0 127.0.0.1:" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_cleanly_and_keep_what_was_acknowledged(serve, number):
    server = serve()
    client = server.redis()
    client.mset({f"k{i}": i for i in range(1_000)})
    assert server.end(number) == 0
    assert "Traceback" not in server.log
    server.start()
    assert server.redis().dbsize() == 1_000


def test_kill_keeps_what_was_acknowledged(serve):
    server = serve(appendfsync="always")
    server.redis().set("a", "b")
    server.end(signal.SIGKILL)
    server.start()
    assert server.redis().get("a") == b"b"


def test_hangup_is_nothing(server, client):
    server.process.send_signal(signal.SIGHUP)
    assert client.ping()


@pytest.mark.parametrize("bind", ["0.0.0.0", "*", "::"])
def test_no_open_door(serve, bind):
    with pytest.raises(RuntimeError, match="refusing to listen on"):
        serve(bind=bind)


def test_unix_socket(serve, tmp_path):
    path = tmp_path / "s"
    server = serve(unixsocket=str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert redis.Redis(unix_socket_path=str(path)).ping()
    assert server.end() == 0
    assert not path.exists()


def test_shutdown_ends_the_server(server, serve):
    other = serve()
    with pytest.raises((redis.ConnectionError, ConnectionError)):
        other.redis(retry=None).execute_command("SHUTDOWN")
    assert other.process.wait(10) == 0


def test_statistics_count(server, client):
    before = client.info("stats")["total_commands_processed"]
    for _ in range(10):
        client.ping()
    assert client.info("stats")["total_commands_processed"] >= before + 10
    assert client.info("commandstats")["cmdstat_ping"]["calls"] >= 10


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key", "-out", folder / "cert"],
        check=True, capture_output=True)
    return folder


def test_tls(serve, certificate):
    cert, key = str(certificate / "cert"), str(certificate / "key")
    server = serve(tls_cert_file=cert, tls_key_file=key)
    client = server.redis(host="127.0.0.1", ssl=True, ssl_ca_certs=cert)
    assert client.set("k", b"x" * 3_000_000) and client.get("k") == b"x" * 3_000_000
    plain = server.connect(timeout=5)
    plain.send(PING)
    with contextlib.suppress(ConnectionError):
        assert b"PONG" not in plain.sock.recv(100)
    assert client.ping()


def test_tls_with_certificates_of_clients(serve, certificate):
    cert, key = str(certificate / "cert"), str(certificate / "key")
    server = serve(tls_cert_file=cert, tls_key_file=key, tls_ca_cert_file=cert)
    with pytest.raises((redis.ConnectionError, OSError)):
        server.redis(host="127.0.0.1", ssl=True, ssl_ca_certs=cert, retry=None).ping()
    known = server.redis(host="127.0.0.1", ssl=True, ssl_ca_certs=cert,
                         ssl_certfile=cert, ssl_keyfile=key)
    assert known.ping()
