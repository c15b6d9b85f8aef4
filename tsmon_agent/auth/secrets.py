"""Secrets that the agent creates, and what it stores of them."""

import hashlib
import hmac
import secrets
from typing import Final

__all__ = ["PREFIX", "compute_digest", "compute_proof", "create_secret", "secrets_match"]

PREFIX: Final = "tsmon_"
"""Begins every token, so that people and scanners of repositories recognize one."""

BYTES: Final = 32
"""Randomness of a secret: too much to guess, so that a plain digest is as safe as a slow one."""


def create_secret(prefix: str = "") -> str:
    """Create a secret of letters, digits, ``-`` and ``_``."""
    return prefix + secrets.token_urlsafe(BYTES)


def compute_digest(secret: str) -> str:
    """Compute what is stored of a secret and looked up: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def compute_proof(secret: str, purpose: str) -> str:
    """Compute a text that only a holder of the secret can compute, and that does not reveal it."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), purpose.encode(), hashlib.sha256).hexdigest()


def secrets_match(given: str, expected: str) -> bool:
    """Whether two texts are equal, compared in a time that reveals neither; ``given`` may be any text."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
