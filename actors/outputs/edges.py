"""Where sound meets silence in the playout: fades, and the voice that goes on for a moment when a reply runs dry. Pure."""

from actors.outputs.concealment import CONCEALED_BYTES, HISTORY_BYTES, conceal, fade_over
from actors.outputs.fades import FADE_BYTES, SAMPLE_BYTES, fade_in, fade_out


class Edges:
    """What is inserted between the audio and the silence around it."""

    def __init__(self, *, conceals: bool) -> None:
        self._remembered = HISTORY_BYTES if conceals else FADE_BYTES
        self._conceals = conceals
        self._last = b""
        """What the loudspeaker got last, for a fade to join on."""
        self._ready = b""
        self._is_concealing = False
        self.concealed = 0
        """Samples that were made up."""

    def __bool__(self) -> bool:
        """Whether something has to be played before the silence, or before the audio."""
        return bool(self._ready) and not self._is_concealing

    @property
    def is_concealing(self) -> bool:
        """Whether a voice goes on that has run dry: the audio may break in at any time."""
        return self._is_concealing and bool(self._ready)

    def played(self, piece: bytes | bytearray) -> None:
        """Remember what the loudspeaker got."""
        self._last = (self._last + piece)[-self._remembered :]

    def silent(self) -> None:
        """The loudspeaker got silence: there is nothing to join on."""
        self._last = b""

    def begin(self, first: bytes | bytearray | memoryview) -> int:
        """The audio begins or goes on with `first`; returns how many samples are inserted before it."""
        rising = fade_in(bytes(first[:FADE_BYTES]))
        self._ready = fade_over(self._ready, rising) if self.is_concealing else rising
        self._is_concealing = False
        return len(self._ready) // SAMPLE_BYTES

    def stop(self) -> None:
        """The audio is over: fade out."""
        self._is_concealing = False
        self._ready = fade_out(self._last)

    def run_dry(self) -> None:
        """The audio ought to go on, but has not come."""
        if not self._conceals:
            self.stop()
            return
        self._ready = conceal(self._last) or fade_out(self._last)
        self._is_concealing = len(self._ready) == CONCEALED_BYTES

    def forget(self) -> None:
        """The device was aborted: what it held is gone, so there is nothing to join on."""
        self._ready = self._last = b""
        self._is_concealing = False

    def take(self, n_bytes: int) -> bytes:
        """Give up to `n_bytes` of what is inserted."""
        taken, self._ready = self._ready[:n_bytes], self._ready[n_bytes:]
        if self._is_concealing:
            self.concealed += len(taken) // SAMPLE_BYTES
            self._is_concealing = bool(self._ready)
        return taken
