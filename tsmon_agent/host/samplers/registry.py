"""The classes of all registered samplers."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Final

from tsmon_agent.host.samplers.base import Sampler
from tsmon_agent.settings.samplers import REGISTERED_SAMPLERS

__all__ = ["SAMPLERS"]

SAMPLERS: Final[Mapping[str, type[Sampler]]] = {
    name: resolve_name(reference) for name, reference in REGISTERED_SAMPLERS.items()
}
"""Samplers by name, in the order of :data:`tsmon_agent.settings.samplers.REGISTERED_SAMPLERS`."""
