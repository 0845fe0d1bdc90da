"""Where the server listens: TCP addresses, a Unix socket, TLS."""

import asyncio
import ipaddress
import os
import socket
import ssl
import stat
from pathlib import Path

from .monitor import LOCAL

MOST_BACKLOG = 65535


class ListenError(Exception):
    """The server cannot listen; the message says where and why."""


def is_loopback(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local(addr):
    """Whether a client's address, as CLIENT LIST shows it, is of this machine."""
    return addr == LOCAL or is_loopback(addr.rpartition(":")[0].strip("[]"))


def check_protection(config):
    """A network without a password is an open door: refuse to open it."""
    if not config["protected-mode"] or config["requirepass"] or not (
            config["port"] or config["metrics-port"]):
        return
    for address in config["bind"]:
        host = address.removeprefix("-")
        if not is_loopback(host):
            raise ListenError(
                f"refusing to listen on {host} without a password: set requirepass, "
                "bind 127.0.0.1, or turn protected-mode off")


async def listen(factory, config):
    """Start listening everywhere the config says -> asyncio servers."""
    check_protection(config)
    servers = []
    try:
        if config["port"]:
            servers += await listen_tcp(factory, config, config["port"])
        if config["unixsocket"]:
            servers.append(await listen_unix(factory, config))
    except BaseException:
        for server in servers:
            server.close()
        raise
    if not servers:
        raise ListenError("there is nothing to listen on: port is 0 and unixsocket is empty")
    return servers


async def listen_tcp(factory, config, port):
    loop, servers, context = asyncio.get_running_loop(), [], tls_context(config)
    for address in config["bind"]:
        host = address.removeprefix("-")
        try:
            servers.append(await loop.create_server(
                factory, None if host == "*" else host, port, ssl=context,
                backlog=min(config["tcp-backlog"], MOST_BACKLOG),
                ssl_handshake_timeout=10 if context else None))
        except OSError as error:
            if not address.startswith("-"):
                raise ListenError(f"cannot listen on {host} port {port}: "
                                  f"{error.strerror or error}") from None
    if not servers:
        raise ListenError(f"cannot listen on any of {' '.join(config['bind'])}")
    return servers


def tls_context(config):
    """None without a certificate. With a file of CAs, clients must show a certificate too."""
    if not config["tls-cert-file"]:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(config["tls-cert-file"], config["tls-key-file"] or None)
    if config["tls-ca-cert-file"]:
        context.load_verify_locations(config["tls-ca-cert-file"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def listen_unix(factory, config):
    """The socket has its mode before anybody can connect."""
    path, mode = Path(config["unixsocket"]), int(config["unixsocketperm"], 8)
    remove_stale(path)
    sock = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o777 & ~mode)
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise ListenError(f"cannot listen on {path}: {error.strerror or error}") from None
    finally:
        os.umask(mask)
    return await asyncio.get_running_loop().create_unix_server(
        factory, sock=sock, backlog=config["tcp-backlog"])


def remove_stale(path):
    """A socket that nobody serves any more is in the way."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise ListenError(f"cannot listen on {path}: it exists and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ListenError(f"cannot listen on {path}: a server is listening there")
