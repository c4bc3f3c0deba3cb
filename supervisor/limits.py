"""How much an actor may use, and when it is too much. Pure: measures and the clock are passed in.

Memory is a limit: whoever holds more is replaced, and the reason shown. Processor time is a matter of manners: whoever keeps a
processor busy for ten seconds is shown as degraded and lets the others go first from then on.
"""

from dataclasses import dataclass

from actors.settings import Settings
from supervisor.spec import ChildSpec
from supervisor.usage import Usage

GREEDY_AFTER_S = 10.0
WEIGH_EVERY_S = 2.0
NICENESS = 10
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """0 is no limit. The words say where it was set."""

    memory_mb: int = 0
    cpu_percent: float = 0.0
    memory_key: str = ""
    cpu_key: str = ""


def limits_of(settings: Settings, spec: ChildSpec) -> Limits:
    """Return what the actor's own table says, else `[supervision]`."""
    own, common = settings.table(spec.name, spec.kind), settings.supervision
    where = f"actors.{spec.name}"
    memory, cpu = own.max_memory_mb, own.max_cpu_percent
    return Limits(
        common.max_memory_mb if memory is None else memory,
        common.max_cpu_percent if cpu is None else cpu,
        f"{'supervision' if memory is None else where}.max_memory_mb",
        f"{'supervision' if cpu is None else where}.max_cpu_percent",
    )


class Appetite:
    """Watches one process against its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.greed = ""
        """In words, while it keeps a processor busy for too long."""
        self._before: tuple[float, float] | None = None
        self._over_since_s: float | None = None

    def born(self) -> None:
        """Another process has taken its place."""
        self.greed, self._before, self._over_since_s = "", None, None

    def weigh(self, usage: Usage, now: float) -> str:
        """Take in what it uses, every few seconds. Returns why it has to go, "" when it may stay; see `greed`, too."""
        self._watch_cpu(usage.cpu_s, now)
        limit, held = self.limits.memory_mb, usage.rss_bytes // MIB
        if not limit or held <= limit:
            return ""
        return f"held {held} MiB of memory, {self.limits.memory_key} allows {limit}"

    def _watch_cpu(self, cpu_s: float, now: float) -> None:
        before, self._before = self._before, (cpu_s, now)
        limit = self.limits.cpu_percent
        if before is None or now <= before[1]:
            return
        percent = 100 * (cpu_s - before[0]) / (now - before[1])
        if not limit or percent <= limit:
            self.greed, self._over_since_s = "", None
            return
        if self._over_since_s is None:
            self._over_since_s = before[1]
        if now - self._over_since_s >= GREEDY_AFTER_S:
            self.greed = f"uses {percent:.0f} % of a core, {self.limits.cpu_key} allows {limit:g}"
