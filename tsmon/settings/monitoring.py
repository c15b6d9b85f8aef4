"""Section ``[monitoring]``: where points are written, and how."""

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from tsmon.line_protocol.escaping import check_default_tags, check_tag_value
from tsmon.settings.field_types import CommaSeparated, FilePath, check_address
from tsmon.settings.mistakes import suggest
from tsmon.settings.section import Section
from tsmon.store_names import BUILT_IN, store_names

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MonitoringSettings"]


def _check_store(name: str) -> str:
    if name != "auto" and name not in BUILT_IN and name not in (names := store_names()):
        raise ValueError(f"{name!r} is not a store; {suggest(name, names)}")
    return name


def _check_server(url: str) -> str:
    if "@" in urlsplit(check_address(url)).netloc:
        raise ValueError("should contain no user and password; set monitoring.token, which is kept secret")
    return url


def _check_host(host: str) -> str:
    if ":" in host:
        try:
            return str(ip_address(host))
        except ValueError:
            pass
    if not host or any(character in "/:@[]?#" or character.isspace() for character in host):
        raise ValueError(
            "should be a name or an address alone, such as localhost; give the port as port, a whole address as url"
        )
    return host


def _check_service(service: str) -> str:
    check_tag_value("service", service)
    return service


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    check_default_tags(tags)
    return tags


def _check_proxy(proxy: SecretStr) -> SecretStr:
    check_address(proxy.get_secret_value())
    return proxy


class MonitoringSettings(Section):
    """Where points are written, and how; see ``tsmon.toml`` for the meaning of each key."""

    enabled: bool = True
    store: Annotated[str, AfterValidator(_check_store)] = "auto"
    service: Annotated[str, AfterValidator(_check_service)] | None = None
    url: Annotated[str, AfterValidator(_check_server)] | None = None
    host: Annotated[str, AfterValidator(_check_host)] = "localhost"
    port: int = Field(default=8086, ge=1, le=65535)
    ssl: bool = False
    organization: str = ""
    bucket: str = Field(default="tsmon", min_length=1)
    token: SecretStr = SecretStr("")
    token_file: FilePath | None = None
    create_bucket: bool = False
    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    proxy: Annotated[SecretStr, AfterValidator(_check_proxy)] | None = None
    timeout: float = Field(default=30.0, gt=0, le=86_400)
    file: FilePath | None = None
    retention_days: float = Field(default=14.0, ge=0)
    flushing_period: float = Field(default=1.0, ge=0.001)
    batch_lines: int = Field(default=5_000, ge=1)
    batch_bytes: int = Field(default=2_000_000, ge=1_000)
    buffer_bytes: int = Field(default=64_000_000, ge=10_000)
    spool: Literal["off", "on", "required"] = "on"
    spool_directory: FilePath | None = None
    spool_bytes: int = Field(default=512_000_000, ge=100_000)
    dead_letter_bytes: int = Field(default=10_000_000, ge=0)
    on_invalid: Literal["raise", "drop"] = "raise"
    tags: Annotated[dict[str, str], AfterValidator(_check_tags)] = {}
    tags_as_fields: CommaSeparated = []
    self_metrics_period: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    series_limit: int = Field(default=100_000, ge=0)
    summarize_routes: CommaSeparated = []
    sample_routes: dict[str, Annotated[int, Field(ge=1)]] = {}

    if TYPE_CHECKING:
        # What the fields accept is more than what they hold: a path may be a text, a list too.
        def __init__(
            self,
            /,
            *,
            enabled: bool = ...,
            store: str = ...,
            service: str | None = ...,
            url: str | None = ...,
            host: str = ...,
            port: int = ...,
            ssl: bool = ...,
            organization: str = ...,
            bucket: str = ...,
            token: SecretStr | str = ...,
            token_file: Path | str | None = ...,
            create_bucket: bool = ...,
            ca_file: Path | str | None = ...,
            cert_file: Path | str | None = ...,
            key_file: Path | str | None = ...,
            proxy: SecretStr | str | None = ...,
            timeout: float = ...,
            file: Path | str | None = ...,
            retention_days: float = ...,
            flushing_period: float = ...,
            batch_lines: int = ...,
            batch_bytes: int = ...,
            buffer_bytes: int = ...,
            spool: Literal["off", "on", "required"] = ...,
            spool_directory: Path | str | None = ...,
            spool_bytes: int = ...,
            dead_letter_bytes: int = ...,
            on_invalid: Literal["raise", "drop"] = ...,
            tags: dict[str, str] = ...,
            tags_as_fields: list[str] | str = ...,
            self_metrics_period: float = ...,
            series_limit: int = ...,
            summarize_routes: list[str] | str = ...,
            sample_routes: dict[str, int] = ...,
        ) -> None: ...

    @property
    def address(self) -> str:
        """URL of the server: as set, else from host, port and ssl."""
        if self.url is not None:
            return self.url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.ssl else 'http'}://{host}:{self.port}"

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token.get_secret_value() and self.token_file is not None:
            raise ValueError("token and token_file are both set; choose one")
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file is set without cert_file; set both or neither")
        return self

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        parts = [name for name in ("host", "port", "ssl") if name in self.model_fields_set]
        if self.url is not None and parts:
            raise ValueError(f"url and {parts[0]} are both set; choose url, or host, port and ssl")
        return self
