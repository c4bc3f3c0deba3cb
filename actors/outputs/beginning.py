"""When a reply may begin to sound. Pure.

A device that runs holds silence already (80 ms and more), behind which a reply would have to wait. Most sound at once when
they are started anew, and hold as much audio all the same: so a reply that follows silence waits for its cue, which
is given while the device is started anew, and is given when there is as much of it as the device then takes at once.
"""

import math
from collections import Counter

from actors.outputs.fades import RATE_HZ
from actors.outputs.pre_roll import PreRoll
from actors.outputs.queued_reply import QueuedReply

_LATE_S = 0.03
"""Beside other loudspeakers, what is later than this is heard twice."""
_QUIET_S = 0.05
"""A device's latency is known so well: only after this time is it certain that nothing sounds any more."""


class Beginning:
    """Decides for the playout buffer, under its lock."""

    def __init__(self, pre_roll: PreRoll, timeout_s: float, dropped: Counter[str]) -> None:
        self.pre_roll = pre_roll
        self._dropped = dropped
        self._timeout_s = timeout_s
        self.device_holds_s = 0.0
        """What the device takes at once when it is started anew; 0: it begins with silence, and no reply needs a cue."""
        self.sounds_until_s = -math.inf
        """When the last sample handed to the device that was no silence leaves the loudspeaker."""

    def may_begin(self, reply: QueuedReply, at: float, latency_s: float) -> bool:
        """Whether it may sound from this read on, which is heard after `latency_s`.

        Of one that has a time, what is long over is dropped, and what is a little late is played.
        """
        if reply.due_s is None:
            return not self.waits_for_cue(reply, at) and self._has_gathered(reply, at)
        late_s = at + latency_s - reply.due_s
        if late_s > _LATE_S:
            self._dropped["late"] += reply.skip(round(late_s * RATE_HZ), at)
        return late_s >= -0.5 / RATE_HZ and reply.queued > 0

    def is_cue_due(self, reply: QueuedReply, now: float) -> bool:
        """Whether it waits for its cue, and enough of it has come."""
        return self.waits_for_cue(reply, now) and self._has_gathered(reply, now)

    def waits_for_cue(self, reply: QueuedReply, at: float) -> bool:
        """Whether it follows silence and has not got its cue yet."""
        is_fresh = reply.queued > 0 and not reply.played and not reply.is_cued and reply.due_s is None
        return self.device_holds_s > 0 and is_fresh and at >= self.sounds_until_s + _QUIET_S

    def _has_gathered(self, reply: QueuedReply, at: float) -> bool:
        device_takes = 0 if reply.played else int(self.device_holds_s * RATE_HZ)
        return (
            reply.is_complete
            or reply.queued >= max(self.pre_roll.samples, device_takes)
            or at - reply.waiting_since >= self._timeout_s
        )
