"""Section ``[monitoring]``: where points go, and how."""

import difflib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

__all__ = ["Comma", "MonitoringSettings", "Section", "split_commas"]


class Section(BaseModel):
    """A section of the settings: unknown keys are refused, values do not change, secrets are masked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def split_commas(value: Any) -> Any:
    """Items of a comma-separated text; anything else as it is."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


Comma = Annotated[list[str], BeforeValidator(split_commas)]
"""A list, in TOML as such or as one comma-separated text; items are trimmed, empty ones ignored."""


def _path(value: Any) -> Any:
    if not value or not isinstance(value, str | Path):
        raise ValueError("should be the path of a file")
    return Path(value).expanduser()


File = Annotated[Path, BeforeValidator(_path)]
"""Path of a file; ``~`` is the home directory."""


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or any(c.isspace() for c in url):
        raise ValueError("should be an address such as http://localhost:8086")
    return url


def _server(url: str) -> str:
    if "@" in urlsplit(_address(url)).netloc:
        raise ValueError("should hold no user and password; give monitoring.token, which is kept secret")
    return url


def _registered_store(name: str) -> str:
    names = {"auto", *entry_points(group="tsmon.stores").names}
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        raise ValueError(
            f"{name!r} is not a store; "
            + (f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(names))}")
        )
    return name


def _proxy(proxy: SecretStr) -> SecretStr:
    _address(proxy.get_secret_value())
    return proxy


class MonitoringSettings(Section):
    """Where points go, and how; see ``tsmon.toml`` for the meaning of each key."""

    enabled: bool = True
    store: Annotated[str, AfterValidator(_registered_store)] = "auto"
    service: str | None = None
    url: Annotated[str, AfterValidator(_server)] | None = None
    host: str = "localhost"
    port: int = Field(default=8086, ge=1, le=65535)
    ssl: bool = False
    organization: str = ""
    bucket: str = Field(default="tsmon", min_length=1)
    token: SecretStr = SecretStr("")
    token_file: File | None = None
    create_bucket: bool = False
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None
    timeout: float = Field(default=30.0, gt=0, le=86_400)
    file: File | None = None
    retention_days: float = Field(default=14.0, ge=0)
    flushing_period: float = Field(default=1.0, ge=0.001)
    batch_lines: int = Field(default=5_000, ge=1)
    batch_bytes: int = Field(default=2_000_000, ge=1_000)
    buffer_bytes: int = Field(default=64_000_000, ge=10_000)
    spool: Literal["off", "on", "required"] = "on"
    spool_directory: Path | None = None
    spool_bytes: int = Field(default=512_000_000, ge=100_000)
    dead_letter_bytes: int = Field(default=10_000_000, ge=0)
    on_invalid: Literal["raise", "drop"] = "raise"
    tags: dict[str, str] = {}
    tags_as_fields: Comma = []
    self_metrics_period: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    series_limit: int = Field(default=100_000, ge=0)
    summarize_routes: Comma = []
    sample_routes: dict[str, Annotated[int, Field(ge=1)]] = {}

    @property
    def address(self) -> str:
        """URL of the server, made of host, port and ssl where none is given."""
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
