"""The playout at the pace of another clock: what makes several loudspeakers keep together through a long reply."""

from typing import Protocol

from actors.outputs.drift import Drift
from actors.outputs.stretch import Stretcher

APART_S = 0.06
"""Further off than this other loudspeakers are heard twice: it jumps, as slow correction would take many seconds."""


class Timed(Protocol):
    """A playout whose replies have times."""

    late_s: float | None

    def read(self, n_samples: int, latency_s: float = 0.0, patience_s: float = 0.0) -> bytes:
        """Exactly `n_samples`; `late_s` then says how late they are."""
        ...

    def rejoin(self) -> None:
        """Go on where the reply ought to be."""
        ...


class Pace:
    """Reads a little more or less than asked for, and draws it over what was asked for. In the device's thread."""

    def __init__(self, playout: Timed) -> None:
        self._playout = playout
        self._drift = Drift(jump_s=APART_S)
        self._stretcher = Stretcher()

    def read(self, n_samples: int, latency_s: float, patience_s: float = 0.0) -> bytes:
        """Exactly `n_samples`; `latency_s` is how long the device takes until the first of them is heard."""
        slip = self._drift.slip(n_samples)
        pcm = self._playout.read(n_samples + slip, latency_s, patience_s)
        late_s = self._playout.late_s
        if late_s is None:
            self._drift.reset()
        else:
            self._drift.measured(late_s)
        if self._drift.has_to_jump:
            self._drift.reset()
            self._playout.rejoin()
        return self._stretcher.fit(pcm, n_samples)

    def abort(self) -> None:
        """The device lost what it held: nothing of before goes on."""
        self._stretcher.clear()

    @property
    def ppm(self) -> float:
        """How much faster than its own clock the loudspeaker plays, in parts per million."""
        return self._drift.ppm
