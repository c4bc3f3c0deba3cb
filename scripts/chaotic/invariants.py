"""What must be true after every fault, and at the end."""

import time
from typing import Any

import psutil

from scripts.chaotic.books import quarters, settled, slope_per_h
from scripts.chaotic.scene import Scene

MORE_FDS = 4
"""A connection being made while we count."""
SETTLE_FAULTS = 3


class Watcher:
    """Remembers what was normal."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._modes = scene.screen.modes()
        self._most_fds: dict[str, int] = {}
        self._began_s = time.monotonic()
        self.fds: dict[str, list[tuple[float, float]]] = {}
        self.rss: dict[str, list[tuple[float, float]]] = {}

    def odd(self) -> list[str]:
        """Return what is wrong now that every actor is ready."""
        status = self._scene.tree.status()
        found = self._strangers(status) + self._fds(status)
        if self._scene.screen.modes() != self._modes:
            found.append("the terminal's modes are not those of a prompt")
        if self._scene.screen.failure is not None:
            found.append(f"the screen is garbled: {self._scene.screen.failure}")
        odd = self._scene.books.odd_lines(dict.fromkeys(self._scene.books.lines, 1) | self._scene.context())
        return found + odd

    def growth(self) -> list[str]:
        """Return a line per process: descriptors and memory (medians of the run's quarters), and the slope after the first."""
        lines = []
        for name, rss in sorted(self.rss.items()):
            fds = self.fds[name]
            lines.append(
                f"{name:<12} fds {fds[0][1]:.0f} -> {fds[-1][1]:.0f} (most {max(f for _, f in fds):.0f})   "
                f"RSS {' '.join(f'{value:.1f}' for value in quarters(rss))} MiB "
                f"({slope_per_h(settled(rss)):+.1f} MiB/h over {len(settled(rss))} looks)"
            )
        return lines

    def _strangers(self, status: dict[str, Any]) -> list[str]:
        known = {row["pid"] for row in status["actors"]}
        found = [f"orphan: {one.pid}" for one in self._scene.tree.actors() if one.pid not in known]
        children = psutil.Process(status["pid"]).children()
        return found + [f"zombie: {one.pid}" for one in children if one.status() == psutil.STATUS_ZOMBIE]

    def _fds(self, status: dict[str, Any]) -> list[str]:
        supervisor = psutil.Process(status["pid"])
        now = {row["name"]: (row["fds"], row["rss_bytes"]) for row in status["actors"] if row["pid"]}
        now["supervisor"] = (supervisor.num_fds(), supervisor.memory_info().rss)
        found, at_s = [], time.monotonic() - self._began_s
        for name, (fds, rss) in now.items():
            if fds is None or rss is None:
                continue
            self.fds.setdefault(name, []).append((at_s, fds))
            self.rss.setdefault(name, []).append((at_s, rss / 2**20))
            if len(self.fds[name]) <= SETTLE_FAULTS:
                self._most_fds[name] = max(fds, self._most_fds.get(name, 0))
            elif fds > self._most_fds[name] + MORE_FDS:
                found.append(f"{name} holds {fds} descriptors, {self._most_fds[name]} at first")
        return found
