"""The drawing of the life of a line names real methods, and ARCHITECTURE.md shows the same drawing."""

import re
from pathlib import Path

from tsmon import Monitor, delivery
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.current_batch import CurrentBatch
from tsmon.delivery.spool_files import SpoolFiles
from tsmon.spool import Spool

ROOT = Path(__file__).parents[3]
CLASSES = {cls.__name__: cls for cls in (Buffer, CurrentBatch, Monitor, Spool, SpoolFiles)}


def drawing() -> str:
    document = str(delivery.__doc__)
    return document[document.index("    Monitor.emit") : document.index("``Buffer``")].rstrip()


def test_each_method_in_the_drawing_exists() -> None:
    named = re.findall(r"\b([A-Z]\w+)\.(\w+)", drawing())
    assert len(named) > 12
    assert {name for name, _ in named} == CLASSES.keys()
    assert [(name, method) for name, method in named if not callable(getattr(CLASSES[name], method, None))] == []


def test_the_architecture_shows_the_same_drawing() -> None:
    assert drawing() in (ROOT / "ARCHITECTURE.md").read_text()
