"""Which typed line is sent when, and which is done: pure.

Typed lines go out at once. Piped lines are turns of a dialogue: the next one goes when the one before was answered. In both
cases a line is sent again to every new session until that says that the model's context holds it.
"""

MAX_UNSETTLED = 100
"""So many lines may be on their way; then whoever types has to wait."""


class Delivery:
    """Fed with line numbers in order and with what the session says about them."""

    def __init__(self, *, one_at_a_time: bool) -> None:
        self._one_at_a_time = one_at_a_time
        self._waiting: list[int] = []
        """Not kept yet, in order."""
        self._handed: set[int] = set()
        """Given to the session that is there now."""
        self._sent: set[int] = set()
        """Given to the model by the session that is there now: it will say when they are answered."""
        self._answered: set[int] = set()
        self._kept: set[int] = set()
        """Never sent again, but the reply is not over."""
        self._turn_since: float | None = None

    @property
    def has_room(self) -> bool:
        """Whether another line can be taken."""
        return len(self._waiting) < MAX_UNSETTLED

    @property
    def is_all_answered(self) -> bool:
        """Whether nothing is left to wait for."""
        return all(number in self._answered for number in self._waiting)

    def add(self, number: int) -> None:
        """A new line."""
        self._waiting.append(number)

    def due(self) -> list[int]:
        """Return the lines to hand to the session now, in order."""
        due: list[int] = []
        for number in self._waiting:
            if number not in self._handed and number not in self._kept:
                due.append(number)
            if self._one_at_a_time and number not in self._answered:
                break
        return due

    def handed(self, number: int, now: float) -> None:
        """The session's socket took it."""
        self._handed.add(number)
        if number not in self._answered:
            self._turn_since = now

    def sent(self, number: int) -> None:
        """The session gave it to the model."""
        if number in self._waiting:
            self._sent.add(number)

    def answered(self, number: int) -> None:
        """The reply is over and heard."""
        if number in self._waiting:
            self._answered.add(number)
            self._turn_since = None
        if number in self._kept:
            self.settled(number)

    def kept(self, number: int) -> None:
        """The model's context holds it: it is never sent again. In a dialogue its reply may still be playing."""
        if self._one_at_a_time and number in self._sent and number not in self._answered:
            self._kept.add(number)
        else:
            self.settled(number)

    def settled(self, number: int) -> None:
        """Nothing more is to be expected for it: it was kept and answered, or the session refused it."""
        if number in self._waiting:
            self._waiting.remove(number)
        for those in (self._handed, self._sent, self._answered, self._kept):
            those.discard(number)

    def session_is_new(self, now: float) -> None:
        """Another session is there: whatever is not settled is due again."""
        self._handed.clear()
        self._sent.clear()
        for number in tuple(self._kept):  # its reply died with the session
            self.settled(number)
        if self._turn_since is not None:
            self._turn_since = now

    def overdue(self, now: float, within_s: float) -> int | None:
        """Return the line whose reply takes longer than that, if any."""
        if self._turn_since is None or now - self._turn_since < within_s:
            return None
        return next((n for n in self._waiting if n in self._handed and n not in self._answered), None)
