"""Raw words to a server, for the tests of tensors."""

import pytest


def said(raw, argv):
    """One command on a raw connection -> its reply; an error as its text."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in argv]
    data = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    reply = raw.ask(b"*%d\r\n%s" % (len(words), data))[0]
    return str(reply) if isinstance(reply, Exception) else reply


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def ask(server, request):
    """ask("AI.TENSORSET t FLOAT 1 BLOB", blob): words by blanks, then whole words."""
    raw = server.connect()
    said(raw, ["HELLO", request.param])

    def ask(line, *more):
        return said(raw, [*line.split(), *more])

    ask.protocol = request.param
    yield ask
    raw.sock.close()
