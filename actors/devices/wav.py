"""A WAV file as a microphone or a loudspeaker: real time, on a schedule that does not drift.

The file input never ends: after its last sample it delivers silence, as a microphone in a quiet room does. The file output
is a valid WAV at any moment, even if the process is killed: the sizes in its header are written anew all the time.
"""

import time
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

from actors.devices.audio import DeviceAbsent, DeviceError, OnFrame, Progress, Read
from actors.devices.resample import Framer, to_mono
from actors.devices.scheduled import ScheduledThread
from actors.devices.wavfile import WavWriter

_SAMPLE_BYTES = 2
_NS_PER_S = 1_000_000_000
_BLOCKS_PER_S = 100
_LATE_S = 0.2
"""A device that comes this late has glitched; it does not make up for lost time."""


class _Ticker(ScheduledThread):
    """Calls `_tick` 100 times a second."""

    description: str
    rate_hz: int
    latency_s = 1 / _BLOCKS_PER_S

    def __init__(self, *, catches_up: bool) -> None:
        self.xruns = 0
        self._catches_up = catches_up
        super().__init__(Progress(time.monotonic()))

    def _keep_time(self) -> None:
        start, blocks = time.monotonic(), 0
        while True:
            due = start + (blocks + 1) / _BLOCKS_PER_S
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            now = time.monotonic()
            if now > due + _LATE_S and not self._catches_up:
                self.xruns += 1
                start, blocks, due = now, 0, now
            self._tick(int((due - 1 / _BLOCKS_PER_S) * _NS_PER_S))
            self._progress.called(now)
            blocks += 1

    def _tick(self, started_ns: int) -> None:
        raise NotImplementedError


class WavInput(_Ticker):
    """Plays a WAV file as if it were spoken into a microphone, then silence."""

    def __init__(self, path: Path, rate_hz: int, frame_ms: int, on_frame: OnFrame) -> None:
        self._file = _open_wav(path)
        self._channels, self._width, self.rate_hz = self._file.getparams()[:3]
        self._framer = Framer(self.rate_hz, rate_hz, frame_ms, on_frame)
        self._given = 0
        self.description = f"file {path} ({self.rate_hz} Hz, {self._channels} channels)"
        super().__init__(catches_up=True)

    def _tick(self, started_ns: int) -> None:
        self._given, before = self._given + 1, self._given
        n_samples = self._given * self.rate_hz // _BLOCKS_PER_S - before * self.rate_hz // _BLOCKS_PER_S
        pcm = to_mono(_to_int16(self._file.readframes(n_samples), self._width), self._channels)
        self._framer.add(pcm.ljust(n_samples * _SAMPLE_BYTES, b"\0"), started_ns)

    def _release(self) -> None:
        self._file.close()


class WavOutput(_Ticker):
    """Records into a WAV file what a loudspeaker would have played."""

    def __init__(self, path: Path, rate_hz: int, read: Read) -> None:
        try:
            self._file = WavWriter(path, rate_hz)
        except OSError as error:
            raise DeviceError(
                f"cannot record to {path}: {error.strerror}; give a file that can be written"
            ) from error
        self.rate_hz = rate_hz
        self._read = read
        self.description = f"file {path} ({rate_hz} Hz)"
        super().__init__(catches_up=False)

    pull_latency_s = 1 / _BLOCKS_PER_S
    patience_s = holds_s = 0.0

    def abort(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Only call `meanwhile`: a file holds nothing back."""
        meanwhile()

    def rest(self) -> None:
        """Go on: a file records silence, too."""

    def _tick(self, started_ns: int) -> None:  # noqa: ARG002 - only an input stamps its samples
        self._file.write(self._read(self.rate_hz // _BLOCKS_PER_S))

    def _release(self) -> None:
        self._file.close()


def _open_wav(path: Path) -> wave.Wave_read:
    try:
        return wave.open(str(path), "rb")
    except FileNotFoundError:
        raise DeviceAbsent(
            f"there is no file {path}; give file:PATH.wav with a WAV file that exists"
        ) from None
    except OSError as error:
        raise DeviceError(f"cannot read {path}: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        raise DeviceError(
            f"{path} is no WAV file with PCM samples ({error}); convert it to 16-bit PCM"
        ) from error


def _to_int16(pcm: bytes, width: int) -> bytes:
    """Bring samples of 1 to 4 bytes to 16 bit: the two highest bytes are kept."""
    if width == 1:
        return array("h", [(sample - 128) << 8 for sample in pcm]).tobytes()
    if width == _SAMPLE_BYTES:
        return pcm
    high = bytearray(len(pcm) // width * _SAMPLE_BYTES)
    high[0::2], high[1::2] = pcm[width - 2 :: width], pcm[width - 1 :: width]
    return bytes(high)
