"""statvfs of many mounts, some of which may hang.

A call on a mount whose server is gone may take hours, and cannot be interrupted. So calls run in daemon threads
that are abandoned when they hang. The mount is then stale and is not queried again until its call returns, so there
is never more than one such thread per mount.
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
    """Queries the usage of mounts, with a timeout of ``timeout_s`` for each.

    One thread queries all of them. When it hangs, the remaining mounts are queried in parallel, so that a round
    takes at most twice the timeout, however many hang.
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

    def query(self, mounts: Sequence[Mount]) -> dict[int, UsageOrError]:
        """Usage, or the error, by ``mount_id``; without stale mounts."""
        waiting = [mount for mount in mounts if mount.mount_id not in self._stale]
        results: dict[int, UsageOrError] = {}
        if not waiting:
            return results
        walk = self._start(waiting)
        for position, mount in enumerate(waiting):
            result = self._await(walk, mount, self._timeout_s)
            if result is None:
                self._query_in_parallel(waiting[position + 1 :], results)
                break
            results[mount.mount_id] = result
        return results

    def _query_in_parallel(self, mounts: Sequence[Mount], results: dict[int, UsageOrError]) -> None:
        walks = [self._start([mount]) for mount in mounts]
        deadline = time.monotonic() + self._timeout_s
        for walk, mount in zip(walks, mounts, strict=True):
            result = self._await(walk, mount, max(0.0, deadline - time.monotonic()))
            if result is not None:
                results[mount.mount_id] = result

    def _start(self, mounts: Sequence[Mount]) -> "_Walk":
        walk = _Walk(mounts)
        threading.Thread(target=self._run, args=(walk,), name="tsmon-statvfs", daemon=True).start()
        return walk

    def _await(self, walk: "_Walk", mount: Mount, timeout_s: float) -> UsageOrError | None:
        """The next result of ``walk``, which is for ``mount``; None if ``mount`` is stale from now on."""
        try:
            return walk.results.get(timeout=timeout_s)
        except Empty:
            pass
        with self._lock:
            try:
                return walk.results.get_nowait()
            except Empty:
                walk.abandoned = True
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
            result: UsageOrError
            try:
                result = self._statvfs(mount.path)
            except OSError as error:
                result = error
            with self._lock:
                if not walk.abandoned:
                    walk.results.put(result)
                    continue
                del self._stale[mount.mount_id]
            _log.warning("the file system at %s answers again", tag_value(mount.path))
            return


class _Walk:
    """The mounts that one thread queries, in order, and its results."""

    __slots__ = ("abandoned", "mounts", "results")

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = mounts
        self.results: SimpleQueue[UsageOrError] = SimpleQueue()
        self.abandoned = False
