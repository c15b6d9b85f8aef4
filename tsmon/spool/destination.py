"""Where spooled lines belong."""

import hashlib
from dataclasses import dataclass

__all__ = ["Destination"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A bucket of a server; each destination has a directory of its own in the spool."""

    url: str
    org: str
    bucket: str

    @property
    def directory_name(self) -> str:
        """Stable name of the directory."""
        digest = hashlib.sha256(f"{self.url}\0{self.org}\0{self.bucket}".encode()).hexdigest()[:12]
        readable = "".join(c if c.isalnum() else "-" for c in self.bucket)[:40]
        return f"{readable}-{digest}"
