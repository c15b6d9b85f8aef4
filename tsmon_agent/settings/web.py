"""Section ``[web]``: where the agent's pages are served, and to whom."""

import ipaddress
import re
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from tsmon.settings.field_types import CommaSeparated, FilePath, split_commas
from tsmon.settings.section import Section

__all__ = ["WebSettings"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_SIGN_IN_S: Final = 365 * 86_400.0

_base_path: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def _parse_networks(value: object) -> object:
    items = split_commas(value)
    if not isinstance(items, list):
        raise ValueError("should be a list of addresses and networks")
    try:
        return [ipaddress.ip_network(item) for item in items]
    except ValueError as error:
        raise ValueError(f"{error}; give addresses and networks such as 10.0.0.7 or 10.0.0.0/8") from None


class WebSettings(Section):
    """Where the agent's pages are served, and to whom; see ``tsmon.toml`` for the meaning of each key."""

    enabled: bool = True
    listen: str = "127.0.0.1"
    port: int = Field(default=9000, ge=0, le=65535)
    allowed_hosts: CommaSeparated = []
    open_to_everyone: bool = False
    allow_unencrypted: bool = False
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    hsts_max_age: int = Field(default=0, ge=0)
    base_path: str = ""
    trusted_proxies: Annotated[list[Network], BeforeValidator(_parse_networks)] = []
    sign_in_lifetime: float = Field(default=43_200.0, ge=60.0, le=LONGEST_SIGN_IN_S)

    @field_validator("base_path")
    @classmethod
    def _check_base_path(cls, path: str) -> str:
        path = path.rstrip("/")
        if not _base_path.fullmatch(path) or ".." in path.split("/"):
            raise ValueError("should be a path such as /tsmon")
        return path

    @model_validator(mode="after")
    def _check_encryption(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file is set without cert_file; set both or neither")
        if self.beyond_this_machine and not self.encrypted and not self.allow_unencrypted:
            raise ValueError(
                f"listen is {self.listen}, beyond this machine, where tokens and pages would travel unencrypted; "
                "set web.cert_file and web.key_file, or web.allow_unencrypted = true to permit that"
            )
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the agent itself uses TLS."""
        return self.cert_file is not None

    @property
    def beyond_this_machine(self) -> bool:
        """Whether other machines can connect."""
        try:
            return not ipaddress.ip_address(self.listen).is_loopback
        except ValueError:
            return self.listen != "localhost"
