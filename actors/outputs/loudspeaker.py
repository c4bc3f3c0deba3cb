"""The device of a speaker: started anew for a reply, at rest when nothing is to be heard, opened with more when it ran dry.

At rest a second stream of long periods plays silence: it costs a few calls a second, shows at once that the device is gone, and
keeps sound server and amplifier awake, whose waking up would be heard, or would cost the beginning of a reply. Where a device takes
one stream only, the first one runs on.
"""

import logging
import math
from typing import Literal

from actors.devices.audio import DeviceAbsent, DeviceError, Output, Read, open_output
from actors.outputs.cushion import Cushion
from actors.outputs.fades import RATE_HZ, SAMPLE_BYTES
from actors.outputs.playout import Playout
from actors.runtime import exits
from actors.runtime.deadline import deadline

REST_AFTER_S = 1.0
"""Of silence: longer than anything behind the device, such as a radio link, holds."""
SILENCE_MS = 500
"""Two periods of it: its loss is noticed within a second and a quarter."""

log = logging.getLogger("speaker")


class Loudspeaker:
    """Owner of the streams, in the actor's thread. A loss ends the actor: only a new process sees the devices that are there now."""

    def __init__(self, device: str, latency_ms: int | Literal["auto"], playout: Playout, read: Read) -> None:
        self._name = device
        self._cushion = Cushion(latency_ms)
        self._playout = playout
        self._read = read
        self._stream: Output | None = None
        self._silence: Output | None = None
        self._takes_one = False
        """Whether the device refused a second stream."""
        self._is_resting = False
        self._earlier_xruns = 0
        """Of the device before it was opened with a longer buffer."""
        self._since_s = math.inf
        self.detail = ""

    @property
    def is_open(self) -> bool:
        """Whether there is a device."""
        return self._stream is not None

    @property
    def latency_s(self) -> float:
        """The time between a read and the air."""
        return self._stream.latency_s if self._stream is not None else 0.0

    @property
    def pull_latency_s(self) -> float:
        """The same for the latest read."""
        return self._stream.pull_latency_s if self._stream is not None else 0.0

    @property
    def patience_s(self) -> float:
        """How long the latest read may wait."""
        return self._stream.patience_s if self._stream is not None else 0.0

    @property
    def xruns(self) -> int:
        """How often it ran dry."""
        return self._earlier_xruns + (self._stream.xruns if self._stream is not None else 0)

    def open(self, now: float) -> None:
        """Open it. Raises `ActorExit` when there is none."""
        try:
            with deadline("opening the loudspeaker"):
                self._stream = open_output(self._name, RATE_HZ, self._read, self._cushion.ms)
        except (DeviceAbsent, DeviceError) as error:
            raise exits.ActorExit(exits.DEVICE_ABSENT, str(error)) from error
        self._since_s = now
        self._is_resting = False
        self.detail = self._stream.description

    def close(self) -> None:
        """Let go of it."""
        with deadline("closing the loudspeaker"):
            for stream in (self._stream, self._silence):
                if stream is not None:
                    stream.close()
        self._stream = self._silence = None

    def silence(self) -> None:
        """Drop what it holds; then it rests if it can and nothing is to be heard, else goes on with what is read next."""
        if self._stream is None:
            return
        self._is_resting = self._silence is not None and self._may_rest
        with deadline("silencing the loudspeaker"):
            (self._stream.rest if self._is_resting else self._stream.abort)()

    def may_restart(self, *, is_allowed: bool) -> None:
        """It works. From now on replies may begin by starting it anew, unless something follows its clock."""
        assert self._stream is not None
        self._playout.wait_for_cue(self._stream.holds_s if is_allowed else 0.0)

    def begin_what_is_due(self) -> None:
        """Start it anew for a reply: it drops its silence (80 ms and more), or wakes up, and sounds at once."""
        if self._stream is None:
            return
        if self._playout.is_cue_due:
            with deadline("starting the loudspeaker"):
                self._stream.abort(self._playout.cue)
            self._is_resting = False
        elif self._is_resting and not self._playout.is_quiet:
            self.silence()

    def rest_if_quiet(self, now: float) -> None:
        """Let it rest when nothing has been heard for a while."""
        quiet_since_s = max(self._since_s, self._playout.sounds_until_s)
        is_due = now >= quiet_since_s + REST_AFTER_S
        if self._stream is None or self._is_resting or self._takes_one or not (is_due and self._may_rest):
            return
        self._is_resting = self._is_kept_awake()
        if self._is_resting:
            with deadline("resting the loudspeaker"):
                self._stream.rest()

    def watch(self, now: float) -> None:
        """Raise `ActorExit` when it has stopped pulling: a lost device says nothing."""
        for stream in (self._stream, self._silence):
            if stream is not None and (stream.is_stalled(now) or stream.error):
                why = str(stream.error) if stream.error else "it stopped pulling"
                raise exits.ActorExit(
                    exits.DEVICE_ABSENT, f"lost the loudspeaker {stream.description}: {why}"
                )

    def reply_begins(self) -> None:
        """Note how often it has run dry until now."""
        self._cushion.reply_begins(self.xruns)

    def lengthen(self, now: float) -> None:
        """Between replies: if it ran dry in one, have it hold more from now on."""
        if self._stream is None or not self._cushion.replies_over(self.xruns):
            return
        log.warning("the loudspeaker's device ran dry: from now on it holds %d ms", self._cushion.ms)
        self._earlier_xruns = self.xruns
        self.close()
        self.open(now)
        self.detail += f", holds {self._cushion.ms} ms as it ran dry"

    @property
    def _may_rest(self) -> bool:
        return self._playout.is_cued and self._playout.is_quiet

    def _is_kept_awake(self) -> bool:
        if self._silence is None:
            try:
                with deadline("opening the loudspeaker once more"):
                    self._silence = open_output(self._name, RATE_HZ, _silence, SILENCE_MS)
            except (DeviceAbsent, DeviceError) as error:
                log.info("the loudspeaker takes one stream only, which runs on: %s", error)
                self._takes_one = True
        return self._silence is not None


def _silence(n_samples: int) -> bytes:
    return bytes(n_samples * SAMPLE_BYTES)
