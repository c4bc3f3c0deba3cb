"""The actor of a camera or a screen: the newest picture, when there is room for it, and never one that is late."""

import contextlib
import os
from collections import deque

from actors import wire
from actors.devices.audio import DeviceAbsent, DeviceError
from actors.devices.video import Video, Wanted, open_camera, open_screen
from actors.devices.video_extra import VideoUnavailable
from actors.runtime import exits
from actors.runtime.actor import Actor, ActorSpec
from actors.runtime.deadline import deadline
from actors.runtime.loop import Loop
from actors.runtime.notify import Notifier
from actors.settings import VideoTable

WATCH_S = 0.5


class VideoActor(Actor):
    """Shows the model what it sees. Muting is for the microphone: it does not cover the lens."""

    def __init__(self, spec: ActorSpec, loop: Loop, notifier: Notifier) -> None:
        super().__init__(spec, loop, notifier)
        table = spec.settings.table(spec.name, spec.kind)
        assert isinstance(table, VideoTable)
        self._table = table
        self._device: Video | None = None
        self._taken: deque[tuple[bytes, int]] = deque(maxlen=1)
        """From the device's thread: the newest JPEG and when it was taken."""
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_awaited = False
        """The session has not taken the last frame yet: the link is slow, or it has other things to do."""

    def on_start(self) -> None:
        """Wait for the coordinator: through it the user is told when there is no device."""
        self.loop.watch(self._wake, self._picture_came)
        self._watch()

    def on_synchronised(self) -> None:
        """Open the device; ready is who has seen something."""
        if self._device is None:
            self._open()

    def on_welcome(self) -> None:
        """A new session owes us nothing."""
        self._is_awaited = False

    def on_message(self, message: wire.Wire, envelope: wire.Envelope) -> None:
        """Note that there is room for the next frame."""
        match message:
            case wire.VideoTaken(max_bytes=max_bytes):
                self._is_awaited = False
                if self._device is not None:
                    self._device.limit(max_bytes)
            case _:
                super().on_message(message, envelope)

    def on_stop(self) -> None:
        """Let go of the device."""
        if self._device is not None:
            with deadline(f"closing the {self.spec.kind}"):
                self._device.close()
        with contextlib.suppress(OSError):
            os.close(self._wake)

    def _open(self) -> None:
        table = self._table
        wanted = Wanted(
            table.fps, table.max_side, table.quality, wire.MAX_PICTURE_BYTES, wire.FIRST_PICTURE_BYTES
        )
        opener = open_screen if self.spec.kind == "screen" else open_camera
        try:
            with deadline(f"opening the {self.spec.kind}"):
                self._device = opener(table.device, wanted, self._saw)
        except VideoUnavailable as error:
            raise exits.ActorExit(exits.BAD_CONFIG, str(error)) from error
        except (DeviceAbsent, DeviceError) as error:
            raise exits.ActorExit(exits.DEVICE_ABSENT, str(error)) from error
        self.detail = self._device.description

    def _saw(self, jpeg: bytes, taken_ns: int) -> None:
        """Take a picture; in the device's thread."""
        self._taken.append((jpeg, taken_ns))
        os.eventfd_write(self._wake, 1)

    def _picture_came(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        self.ready()
        while self._taken:
            jpeg, taken_ns = self._taken.popleft()
            if self._is_awaited:
                self.counters.drop("late")
            elif self.media.send(wire.VideoFrame(jpeg, taken_ns)):
                self._is_awaited = True
            else:
                self.counters.drop("no_session")

    def _watch(self) -> None:
        device = self._device
        if device is not None and (device.error or device.is_stalled(self.loop.now())):
            self._lost(device)
        self.loop.call_later(WATCH_S, self._watch)

    def _lost(self, device: Video) -> None:
        match device.error:
            case VideoUnavailable() as error:
                raise exits.ActorExit(exits.BAD_CONFIG, str(error))
            case None:
                why = "it gives no pictures any more"
            case error:
                why = str(error)
        raise exits.ActorExit(exits.DEVICE_ABSENT, f"lost the {self.spec.kind} {device.description}: {why}")
