"""statvfs of many mounts, of which some may hang.

A call on a mount whose server is gone may take hours, and nothing ends it. So the calls are made in daemon
threads that are left alone when they hang: the mount is stale then and is not asked again until its call
returns, so that there is never more than one such thread per mount.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final

from tsmon_agent.host.samplers.mount_table import Mount
from tsmon_agent.host.samplers.tag_values import tag_value

__all__ = ["MountUsage", "UsageOrError"]

_log = logging.getLogger("tsmon_agent")

UsageOrError = os.statvfs_result | OSError


class MountUsage:
    """Asks for the usage of mounts, for at most ``timeout_s`` each.

    One thread asks them all. When it hangs, the mounts after it are asked side by side, so that a round takes
    at most twice the time-out, however many hang.
    """

    def __init__(self, timeout_s: float = 2.0, *, statvfs: Callable[[str], os.statvfs_result] = os.statvfs) -> None:
        self._timeout_s = timeout_s
        self._statvfs = statvfs
        self._lock: Final = threading.Lock()
        self._stale: dict[int, str] = {}

    @property
    def stale(self) -> tuple[str, ...]:
        """Mount points whose call has not returned yet."""
        return tuple(self._stale.copy().values())

    def ask(self, mounts: Sequence[Mount]) -> dict[int, UsageOrError]:
        """Usage, or the error, by ``mount_id``; without the mounts that are stale."""
        waiting = [mount for mount in mounts if mount.mount_id not in self._stale]
        outcomes: dict[int, UsageOrError] = {}
        if not waiting:
            return outcomes
        walk = self._start(waiting)
        for position, mount in enumerate(waiting):
            outcome = self._await(walk, mount, self._timeout_s)
            if outcome is None:
                self._ask_side_by_side(waiting[position + 1 :], outcomes)
                break
            outcomes[mount.mount_id] = outcome
        return outcomes

    def _ask_side_by_side(self, mounts: Sequence[Mount], outcomes: dict[int, UsageOrError]) -> None:
        walks = [self._start([mount]) for mount in mounts]
        deadline = time.monotonic() + self._timeout_s
        for walk, mount in zip(walks, mounts, strict=True):
            outcome = self._await(walk, mount, max(0.0, deadline - time.monotonic()))
            if outcome is not None:
                outcomes[mount.mount_id] = outcome

    def _start(self, mounts: Sequence[Mount]) -> "_Walk":
        walk = _Walk(mounts)
        threading.Thread(target=self._run, args=(walk,), name="tsmon-statvfs", daemon=True).start()
        return walk

    def _await(self, walk: "_Walk", mount: Mount, timeout_s: float) -> UsageOrError | None:
        """Next outcome of ``walk``, which is that of ``mount``, or None: then ``mount`` is stale from now on."""
        try:
            return walk.outcomes.get(timeout=timeout_s)
        except Empty:
            pass
        with self._lock:
            try:
                return walk.outcomes.get_nowait()
            except Empty:
                walk.left_alone = True
                self._stale[mount.mount_id] = mount.path
        _log.warning(
            "the file system at %s (%s) does not answer within %g s; it is left out until it does",
            tag_value(mount.path),
            tag_value(mount.device),
            self._timeout_s,
        )
        return None

    def _run(self, walk: "_Walk") -> None:
        for mount in walk.mounts:
            outcome: UsageOrError
            try:
                outcome = self._statvfs(mount.path)
            except OSError as error:
                outcome = error
            with self._lock:
                if not walk.left_alone:
                    walk.outcomes.put(outcome)
                    continue
                del self._stale[mount.mount_id]
            _log.warning("the file system at %s answers again", tag_value(mount.path))
            return


class _Walk:
    """What one thread asks, in order, and what it has learnt."""

    __slots__ = ("left_alone", "mounts", "outcomes")

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = mounts
        self.outcomes: SimpleQueue[UsageOrError] = SimpleQueue()
        self.left_alone = False
