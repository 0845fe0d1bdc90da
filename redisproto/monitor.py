"""What MONITOR shows, and small facts about sockets."""

import socket
import time

PRINTABLE = {byte: chr(byte) for byte in range(32, 127)} | {
    ord("\\"): "\\\\", ord('"'): '\\"', 10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b"}
QUOTED = [PRINTABLE.get(byte, f"\\x{byte:02x}") for byte in range(256)]
LONGEST_WORD = 4096  # bytes of a word that monitors see


def quote(word):
    """Bytes as redis-cli would print them: "a\\x00b"."""
    return '"' + "".join([QUOTED[byte] for byte in word[:LONGEST_WORD]]) + '"'


def monitor_line(session, argv):
    words = " ".join(map(quote, argv))
    return f"{time.time():.6f} [{session.db} {session.addr}] {words}"


LOCAL = "unixsocket:0"


def address(transport, which):
    """host:port of one end. A Unix socket's path is nobody's business."""
    name = transport.get_extra_info(which)
    if not isinstance(name, tuple):
        return LOCAL
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"


def keep_alive(transport, seconds):
    """Let the kernel probe a silent peer; 0: never."""
    sock = transport.get_extra_info("socket")
    if not seconds or sock is None or sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 3))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
