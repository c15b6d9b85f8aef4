"""Section ``[state]``: the database of what people edit."""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from tsmon.settings.section import Section

__all__ = ["StateSettings"]


def _check_database(url: SecretStr) -> SecretStr:
    if not re.match(r"[a-zA-Z]\w*(\+\w+)?://", url.get_secret_value()):
        raise ValueError(
            "should be a URL such as postgresql://user@host/database or sqlite:////var/lib/tsmon/state.db"
        )
    return url


class StateSettings(Section):
    """The state's database; see ``tsmon.toml`` for the meaning of each key."""

    url: Annotated[SecretStr, AfterValidator(_check_database)] | None = None
