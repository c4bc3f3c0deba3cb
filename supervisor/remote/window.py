"""How long, and how often, a token may be tried. Pure: the clock is passed in."""

import hmac
from dataclasses import dataclass
from typing import Literal

OPEN_S = 600.0
MOST_WRONG = 5

Judgement = Literal["right", "wrong", "over"]


@dataclass(slots=True)
class Window:
    """Open for ten minutes, for one device, and for five wrong tokens."""

    token: bytes
    closes_s: float
    wrong: int = 0
    is_used: bool = False

    def judge(self, token: bytes, now_s: float) -> Judgement:
        """Say whether this device may be asked about. A right token is right once."""
        if self.is_over(now_s) or self.is_used:
            return "over"
        if hmac.compare_digest(token, self.token):
            self.is_used = True
            return "right"
        self.wrong += 1
        return "wrong"

    def is_over(self, now_s: float) -> bool:
        """Whether nobody can come in any more."""
        return now_s >= self.closes_s or self.wrong >= MOST_WRONG
