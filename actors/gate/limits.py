"""What a device may do how often, and what happens to one that does not keep to it. Pure: the clock is passed in."""

from collections import deque

STRIKES, STRIKES_WITHIN_S = 3, 10.0
QUARANTINE_S = 60.0
REMEMBERED_S = 600.0
"""How long an incarnation that was replaced is known, so that nothing of it is taken for new."""


class TokenBucket:
    """Lets `per_s` through on average, and `burst_s` seconds' worth at once."""

    def __init__(self, per_s: float, burst_s: float = 2.0) -> None:
        self._per_s = per_s
        self._most = per_s * burst_s
        self._left = self._most
        self._at_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Take it out; False, and nothing taken, when there is not so much left."""
        if self._at_s is not None:
            self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Strikes:
    """Counts bad frames of one key; three within ten seconds are enough."""

    def __init__(self) -> None:
        self._at_s: deque[float] = deque(maxlen=STRIKES)
        self.banned_until_s = 0.0

    def strike(self, now_s: float) -> bool:
        """Count one. True when that was enough: the key is banned for a while."""
        self._at_s.append(now_s)
        if len(self._at_s) < STRIKES or now_s - self._at_s[0] > STRIKES_WITHIN_S:
            return False
        self._at_s.clear()
        self.banned_until_s = now_s + QUARANTINE_S
        return True

    def is_banned(self, now_s: float) -> bool:
        """Whether it has to wait."""
        return now_s < self.banned_until_s


class Order:
    """Frames of one actor on one star: each is newer than the one before it, whatever connection it came on."""

    def __init__(self) -> None:
        self.boot_id = 0
        self._seq = 0
        self._retired: dict[int, float] = {}
        """Earlier incarnations, and when they were replaced."""

    def begins(self, boot_id: int, now_s: float) -> bool:
        """Begin, or go on with, an incarnation. False when it was replaced by a later one: this is a replay."""
        self._retired = {boot: at_s for boot, at_s in self._retired.items() if now_s - at_s < REMEMBERED_S}
        if boot_id in self._retired:
            return False
        if boot_id != self.boot_id:
            if self.boot_id:
                self._retired[self.boot_id] = now_s
            self.boot_id, self._seq = boot_id, 0
        return True

    def is_next(self, boot_id: int, seq: int) -> bool:
        """Take a frame's number. False when it is of another incarnation, or not newer than the last."""
        if boot_id != self.boot_id or seq <= self._seq:
            return False
        self._seq = seq
        return True
