"""Secrets that are made here, and what is kept of them."""

import hashlib
import hmac
import secrets
from typing import Final

__all__ = ["PREFIX", "compute_digest", "compute_proof", "create_secret", "secrets_match"]

PREFIX: Final = "tsmon_"
"""Begins every token, so that people and scanners of repositories know one when they see it."""

BYTES: Final = 32
"""Of randomness: nobody guesses that, so that a plain digest is as good as a slow one."""


def create_secret(prefix: str = "") -> str:
    """A new secret of letters, digits, ``-`` and ``_``."""
    return prefix + secrets.token_urlsafe(BYTES)


def compute_digest(secret: str) -> str:
    """What is stored of a secret, and looked up: SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def compute_proof(secret: str, purpose: str) -> str:
    """A text that only who knows the secret could have made, and that does not give it away."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), purpose.encode(), hashlib.sha256).hexdigest()


def secrets_match(given: str, expected: str) -> bool:
    """Whether two texts are equal, told in a time that gives neither away; any text may be given."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
