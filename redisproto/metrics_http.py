"""GET /metrics over HTTP, on the server's loop: one request a connection, a few seconds for it."""

import asyncio
import re

from .listening import check_protection, listen_tcp
from .metrics import Exposition

SECONDS = 5.0  # for a request and its reply
HEAD_BYTES = 8192
MOST_CONNECTIONS = 16
REQUEST = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.[01]\r\n")
PLAIN = "text/plain; charset=utf-8"
PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


async def listen_metrics(server):
    """Asyncio servers, on the addresses of ``bind``; none if metrics-port is 0. ListenError."""
    port = server.config["metrics-port"]
    if not port:
        return []
    check_protection(server.config)
    endpoint, loop = Endpoint(Exposition(server)), asyncio.get_running_loop()

    def protocol():
        reader = asyncio.StreamReader(HEAD_BYTES, loop)
        return asyncio.StreamReaderProtocol(reader, endpoint.connected, loop)

    return await listen_tcp(protocol, server.config, port)


class Endpoint:
    """The connections of scrapers."""

    def __init__(self, exposition):
        self.exposition, self.connections = exposition, 0

    async def connected(self, reader, writer):
        """Answer; who is slow, or one too many, is cut off."""
        if self.connections == MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            async with asyncio.timeout(SECONDS):
                writer.transport.set_write_buffer_limits(0)  # drain: until all is sent
                writer.write(await self.reply(reader))
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self.connections -= 1
            writer.close()

    async def reply(self, reader):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return response(400)
        found = REQUEST.match(head)
        if found is None:
            return response(400)
        if found[2].partition(b"?")[0] != b"/metrics":
            return response(404)
        if found[1] != b"GET":
            return response(405)
        return response(200, await self.text(), self.exposition.content_type)

    async def text(self):
        pieces = []
        for piece in self.exposition.pieces():
            pieces.append(piece)
            await asyncio.sleep(0)
        return b"".join(pieces)


def response(status, body=None, content_type=PLAIN):
    if body is None:
        body = f"{PHRASES[status]}\n".encode()
    allow = "Allow: GET\r\n" if status == 405 else ""
    return (f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n{allow}Connection: close\r\n\r\n").encode() + body
