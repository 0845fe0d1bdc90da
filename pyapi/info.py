"""Replies of the server as Python values, the same for RESP2 and RESP3."""


def text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def plain(value):
    """A number where the reply is one or reads as one, else text; arrays become lists."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (int, float)):
        return value
    word = text(value)
    try:
        return int(word)
    except ValueError:
        try:
            return float(word)
        except ValueError:
            return word


def pairs(reply) -> dict:
    """A flat array name, value, name, value ... (or a map) as a dict."""
    if isinstance(reply, dict):
        return {text(k): plain(v) for k, v in reply.items()}
    return {text(k): plain(v) for k, v in zip(reply[0::2], reply[1::2], strict=True)}
