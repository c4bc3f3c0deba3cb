"""What one connection sees: pictures in, counted and looked at no closer than needed to tell a broken one."""

import hashlib

import msgspec

from actors.devices.picture import PictureError, look
from actors.model.parrot.client_messages import Blob
from actors.model.parrot.refusal import invalid_argument


class Sight(msgspec.Struct, frozen=True):
    """A picture as the parrot remembers it."""

    mime: str
    width: int
    height: int
    size_bytes: int
    mark: str
    """The beginning of the hash of its bytes: tells it from others."""

    @property
    def name(self) -> str:
        """How the journal calls it."""
        return f"{self.mime} {self.width}x{self.height} {self.mark}"


class Eye:
    """Counts, and remembers the newest picture until a turn takes it up."""

    def __init__(self) -> None:
        self.images = 0
        self._newest: Sight | None = None

    def see(self, blob: Blob) -> Sight:
        """Take a picture. Raises Refusal when it is none, or not what its MIME type says."""
        try:
            seen = look(blob.data)
        except PictureError:
            raise invalid_argument() from None
        if seen.mime != blob.mime_type:
            raise invalid_argument()
        self.images += 1
        mark = hashlib.sha256(blob.data).hexdigest()[:12]
        self._newest = Sight(seen.mime, seen.width, seen.height, len(blob.data), mark)
        return self._newest

    def take(self) -> Sight | None:
        """Return what was shown since the turn before, if anything was: the newest."""
        newest, self._newest = self._newest, None
        return newest
