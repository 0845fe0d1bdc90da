"""Passwords: kept as SHA-256, compared in constant time."""

import hashlib
import hmac
import re

PREFIX = "sha256:"


def hash_password(text):
    """``sha256:<hex>`` of a password; a hash stays as it is."""
    if re.fullmatch(PREFIX + "[0-9a-f]{64}", text):
        return text
    return PREFIX + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def verify(word, stored):
    """Whether bytes from a client are the password whose hash is stored."""
    digest = PREFIX + hashlib.sha256(word).hexdigest()
    return hmac.compare_digest(digest, stored)
