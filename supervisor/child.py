"""One child process: its birth, its reports, its end."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from actors.runtime.loop import Timer
from actors.runtime.notify import Health, Report
from actors.settings import Settings
from supervisor.birth import birth_of
from supervisor.inheritance import boot_command, environment_of
from supervisor.limits import Appetite, Limits
from supervisor.policy import History
from supervisor.progress import Progress
from supervisor.report import ActorReport, CpuSample
from supervisor.spec import ChildSpec
from supervisor.usage import cpu_s

LATE_BEAT_S = 1.5
"""Three missed heartbeats: the actor is degraded."""

CPU_SPAN_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all children of a tree share."""

    settings: Settings
    run_dir: Path
    notify_address: str
    lifeline: int
    """Read end of a pipe whose write end only the supervisor holds."""
    secrets: tuple[str, ...]
    """Variables that only the session gets."""


@dataclass(slots=True)
class Child:
    """A place in the tree, and the process that fills it now."""

    spec: ChildSpec
    history: History
    log: int
    state: str = "starting"
    process: subprocess.Popen[bytes] | None = None
    birth_s: float | None = None
    started_s: float = 0.0
    is_ready: bool = False
    late_from_s: float = 0.0
    """Since when it is on its way to READY: what it could do nothing about does not count."""
    restarts: int = -1
    """Starts after the first."""
    beat_s: float | None = None
    health: Health = field(default_factory=Health)
    in_per_s: float = 0.0
    out_per_s: float = 0.0
    detail: str = ""
    last_exit: str | None = None
    retry: Timer | None = None
    """Its start after the back-off. A start before that, as asked, or another end takes its place."""
    is_restart_wanted: bool = False
    is_leaving: bool = False
    """The configuration does not have it any more."""
    appetite: Appetite = field(default_factory=lambda: Appetite(Limits()))
    excess: str = ""
    """Why it was asked to end: it used too much."""
    progress: Progress = field(init=False)
    _cpu: CpuSample | None = None
    _next_cpu: CpuSample | None = None

    def __post_init__(self) -> None:
        self.progress = Progress(self.spec.kind)

    @property
    def pid(self) -> int | None:
        """The running process, None when there is none."""
        return None if self.process is None else self.process.pid

    @property
    def is_new(self) -> bool:
        """Whether nobody has tried to start it yet."""
        return self.process is None and self.restarts < 0 and self.state == "starting"

    def start(self, around: Surroundings, stdio: dict[str, int], notice_fd: int | None) -> None:
        """Spawn it. From the main thread only: PDEATHSIG fires when the spawning *thread* ends. Raises `OSError`."""
        passed = [around.lifeline] + ([notice_fd] if notice_fd is not None else [])
        self.process = subprocess.Popen(
            boot_command(self.spec, around.settings),
            stdin=stdio.get("stdin", subprocess.DEVNULL),
            stdout=stdio.get("stdout", self.log),
            stderr=self.log,
            env=self._environment(around, notice_fd),
            start_new_session=True,
            close_fds=True,
            pass_fds=passed,
        )
        self.state, self.is_ready, self.beat_s, self.health = "starting", False, None, Health()
        self.started_s = self.late_from_s = time.monotonic()
        self.restarts += 1
        self.birth_s = birth_of(self.process.pid)
        self._cpu = self._next_cpu = None
        self.appetite.born()
        self.progress.born()

    def reported(self, report: Report, now: float) -> None:
        """Take in what the child said."""
        if report.status is not None and (report.ready or report.stopping):
            self.detail = report.status
        if report.ready:
            self.is_ready, self.state = True, "ready"
            self.history.was_ready()
        if report.health is not None:
            if self.beat_s is not None and now > self.beat_s:
                span_s = now - self.beat_s
                self.in_per_s = round((report.health.frames_in - self.health.frames_in) / span_s, 1)
                self.out_per_s = round((report.health.frames_out - self.health.frames_out) / span_s, 1)
            self.health, self.beat_s = report.health, now
            self.detail = report.health.detail or self.detail
            self.progress.told(report.health.done, now)

    def is_silent(self, now: float, longer_than_s: float) -> bool:
        """Whether it is ready and its work loop has not said anything for so long."""
        return self.is_ready and self.beat_s is not None and now - self.beat_s > longer_than_s

    def is_late(self, now: float, within_s: float) -> bool:
        """Whether it lives and has not become ready for so long."""
        return self.process is not None and not self.is_ready and now - self.late_from_s > within_s

    def forgive(self, lost_s: float) -> None:
        """Nobody listened for a while: what was not heard in that time is not its fault."""
        self.late_from_s += lost_s
        if self.beat_s is not None:
            self.beat_s += lost_s

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process; a stopped one is woken to receive it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        if number is signal.SIGTERM:
            self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process and everything it started, now."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return

    def sample_cpu(self) -> None:
        """Remember the processor time used so far; status compares with the sample before, 2 to 4 s old."""
        now_ns = time.monotonic_ns()
        is_fresh = self._next_cpu is not None and now_ns - self._next_cpu.at_ns <= CPU_SPAN_NS
        if self.pid is not None and is_fresh:
            return
        used_s = None if self.pid is None else cpu_s(self.pid)
        if used_s is None:
            self._cpu = self._next_cpu = None
        else:
            self._cpu, self._next_cpu = self._next_cpu, CpuSample(now_ns, used_s)

    def report(self, now: float) -> ActorReport:
        """Return its row of the state file."""
        state = self.state
        if state == "ready" and self.beat_s is not None and now - self.beat_s > LATE_BEAT_S:
            state = "degraded"
        complaints = [self.appetite.greed, self.progress.complaint, self.health.trouble]
        if state == "ready" and any(complaints):
            state = "degraded"
        return ActorReport(
            name=self.spec.name,
            kind=self.spec.kind,
            state=state,
            pid=self.pid,
            birth_s=self.birth_s,
            started_ns=int(self.started_s * 1e9) if self.process is not None else None,
            ready=self.is_ready,
            restarts=max(0, self.restarts),
            beat_ns=None if self.beat_s is None else int(self.beat_s * 1e9),
            health=self.health,
            in_per_s=self.in_per_s,
            out_per_s=self.out_per_s,
            detail="; ".join(filter(None, (self.detail, *complaints))),
            last_exit=self.last_exit,
            cpu=self._cpu or self._next_cpu,
            is_optional=self.spec.is_optional,
        )

    def _environment(self, around: Surroundings, notice_fd: int | None) -> dict[str, str]:
        passed = environment_of(self.spec, around.settings, around.run_dir, around.secrets)
        if notice_fd is not None:
            passed["ANTIPHON_NOTICE_FD"] = str(notice_fd)
        return passed | {
            "ANTIPHON_SUPERVISOR_PID": str(os.getpid()),
            "ANTIPHON_LIFELINE": str(around.lifeline),
            "NOTIFY_SOCKET": around.notify_address,
        }
