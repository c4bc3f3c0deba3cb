"""What an actor sees of a microphone or a loudspeaker: two Protocols, two factories, one family of errors.

A device is a name (or part of one) for PortAudio, "" for the default one, or `file:PATH.wav`. Callbacks run in the device's
own thread, take microseconds, and never raise into it: an exception is kept in `error`. No device dies loudly: a lost
sound server simply stops calling, so whoever holds a device asks `is_stalled` now and then and reopens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

FILE_PREFIX = "file:"
OUTPUT_LATENCY_MS = 80
"""Measured beside six processes that start others all the time, two streams of each, 40 s, load 6 on 2 cores: underruns of an
output that holds 20 ms 15, 40 ms 3, 80 and 160 ms none; the longest wait for the device's call was 160 ms."""

OnFrame: TypeAlias = Callable[[bytes, int], None]
"""Gets a frame, int16 LE mono, and `captured_ns`, the monotonic time of its first sample."""

Read: TypeAlias = Callable[[int], bytes]
"""Gives exactly as many samples as asked for, int16 LE mono."""


class DeviceError(Exception):
    """A device does not do what was asked; the text says what to plug in, install or configure."""


class DeviceAbsent(DeviceError):  # noqa: N818 - a state of the world, not a fault
    """There is no such device; the text names those there are."""


@dataclass(frozen=True)
class DeviceInfo:
    """One direction of one device, as `list_devices` shows it."""

    name: str
    direction: Literal["input", "output"]
    is_default: bool
    host_api: str
    max_channels: int
    default_rate_hz: int
    rates_hz: list[int]
    """Those of the usual rates it takes without conversion of ours."""


class Device(Protocol):
    """What an open input and an open output have in common."""

    @property
    def description(self) -> str:
        """Say in words which device this is and how it was opened."""

    @property
    def rate_hz(self) -> int:
        """Give the rate the device itself runs at; frames and reads keep the rate asked for."""

    @property
    def latency_s(self) -> float:
        """Give the time between the callback and the air."""

    @property
    def xruns(self) -> int:
        """Count how often the device itself reported an overflow or underflow."""

    @property
    def error(self) -> Exception | None:
        """Give what went wrong first in the device's thread, if anything did."""

    def is_stalled(self, now: float) -> bool:
        """Has the device stopped calling? `now` is `time.monotonic()`. True means: close and open again."""

    def close(self) -> None:
        """Stop and let go of the device. May be called twice."""


class Input(Device, Protocol):
    """An open microphone."""


class Output(Device, Protocol):
    """An open loudspeaker."""

    @property
    def pull_latency_s(self) -> float:
        """Give the same for the latest callback: less when the device has just begun and is not full yet."""

    @property
    def patience_s(self) -> float:
        """Give how long the latest callback may wait for audio that is still to come; 0 where it must not."""

    @property
    def holds_s(self) -> float:
        """Give how much it takes at once when it begins anew and sounds at once; 0 if it begins with silence, or never pulled."""

    def abort(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Drop what the device holds, at once, and begin anew; `meanwhile` is called when it does not pull.

        A failure shows as `error` and `is_stalled`.
        """

    def rest(self) -> None:
        """Drop what the device holds, and ask for nothing until the next `abort`. Only for one with `holds_s`."""


ASKER_SLEPT_S = 0.5
"""Who asks so rarely slept itself, and the device's thread with it (SIGSTOP, suspend): it gets as long to call again."""


class Progress:
    """Tells a device that still calls from one that silently stopped. Pure: times come from outside."""

    def __init__(self, opened: float, *, start_within_s: float = 3.0, stall_after_s: float = 1.0) -> None:
        self._deadline = opened + start_within_s
        self._stall_after_s = stall_after_s
        self._asked: float | None = None

    def called(self, now: float) -> None:
        """Note that the device called."""
        self._deadline = now + self._stall_after_s

    def is_stalled(self, now: float) -> bool:
        """Has the device been silent for too long? Ask several times a second."""
        if self._asked is not None and now - self._asked > ASKER_SLEPT_S:
            self._deadline = max(self._deadline, now + ASKER_SLEPT_S)
        self._asked = now
        return now >= self._deadline


def open_input(
    device: str,
    rate_hz: int,
    frame_ms: int,
    on_frame: OnFrame,
    is_resting: Callable[[], bool] = lambda: False,
) -> Input:
    """Open a microphone: `on_frame` gets frames of exactly `frame_ms` at `rate_hz`, whatever the device's own rate.

    While `is_resting`, asked in the device's thread, says that nobody is in a hurry, some of them may come at once.
    Raises `DeviceAbsent` if there is no such device, `DeviceError` if it does not open.
    """
    if device.startswith(FILE_PREFIX):
        from actors.devices.wav import WavInput

        return WavInput(_path(device), rate_hz, frame_ms, on_frame)
    from actors.devices.portaudio import PortAudioInput

    return PortAudioInput(device, rate_hz, frame_ms, on_frame, is_resting)


def open_output(device: str, rate_hz: int, read: Read, latency_ms: int = OUTPUT_LATENCY_MS) -> Output:
    """Open a loudspeaker: its thread asks `read` for samples at `rate_hz`, whatever the device's own rate.

    `latency_ms` is how much sound the device shall hold, at least: what a busy machine may miss without a gap.
    Raises `DeviceAbsent` if there is no such device, `DeviceError` if it does not open.
    """
    if device.startswith(FILE_PREFIX):
        from actors.devices.wav import WavOutput

        return WavOutput(_path(device), rate_hz, read)
    from actors.devices.portaudio import PortAudioOutput

    return PortAudioOutput(device, rate_hz, read, latency_ms)


def list_devices() -> list[DeviceInfo]:
    """List every input and output there is. Raises `DeviceError` if the sound system cannot be asked."""
    from actors.devices.portaudio_list import list_devices as ask_portaudio

    return ask_portaudio()


def _path(device: str) -> Path:
    return Path(device.removeprefix(FILE_PREFIX)).expanduser()
