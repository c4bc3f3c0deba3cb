"""Sound cards and sound servers through PortAudio; the only importer of pyaudio.

An output runs in callback mode: about two periods of delay instead of three with blocking writes. The callback itself takes
microseconds and never raises. An input is looked at by a thread of ours (`listening`), which never waits inside PortAudio. An abort drops what the device holds and starts again: silence, or the next sound, after less
than 10 ms, where running on takes 100, so the output can afford long periods that ride out a busy machine. Every stream has a
PortAudio instance of its own, so that opening again after a device went away sees the devices that are there now. Close
before the process ends.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from actors.devices.alsa import check_alsa_config
from actors.devices.audio import DeviceError, OnFrame, Progress, Read
from actors.devices.choice import NOUNS, Direction, channels_key, choose, ways_to_open
from actors.devices.listening import Listening
from actors.devices.quiet import quiet_stderr
from actors.devices.resample import Framer, Puller, from_mono, to_mono

try:
    import pyaudio
    from pyaudio import _portaudio
except ImportError as missing:
    raise DeviceError(
        f"sound needs PortAudio and PyAudio ({missing}): apt install libportaudio2 portaudio19-dev, then pip install pyaudio"
    ) from missing

INT16 = pyaudio.paInt16
_SAMPLE_BYTES = 2
_INPUT_LATENCY_MS = 20
_WAITS = 0.5
"""This part of what the device holds may be heard while a callback waits; the rest is for a busy machine."""


class _Stream:
    """What an open input and an open output have in common."""

    def __init__(
        self, direction: Direction, device: str, rate_hz: int, latency_ms: int, on_period: Any = None
    ) -> None:
        self.error: Exception | None = None
        self._is_lost = self._is_resting = False
        self._pa = initialise()
        with self._closed_on_error():
            info = choose(direction, device, infos_of(self._pa, direction), default_of(self._pa, direction))
            self._stream, self.rate_hz, self._channels = _open(
                self._pa, info, direction, rate_hz, latency_ms, on_period
            )
            self._calls_from_own_thread = _calls_from_own_thread(self._pa, info)
            self._handle = self._stream._stream  # noqa: SLF001 - pyaudio has no public abort
            self._progress = Progress(time.monotonic())
        self.description = (
            f"{info['name']} ({self.rate_hz} Hz, {self._channels} channel{'s' * (self._channels > 1)})"
        )

    def is_stalled(self, now: float) -> bool:
        """Has the device gone, or not called for a second while it does not rest?"""
        is_still = self._progress.is_stalled(now) or not self._is_active()
        return self._is_lost or (is_still and not self._is_resting)

    def close(self) -> None:
        """Stop and let go of the device. May be called twice."""
        if self._pa is None:
            return
        pa, self._pa = self._pa, None
        with quiet_stderr():
            if hasattr(self, "_handle"):
                with suppress(OSError):  # already stopped, with its server
                    _portaudio.abort_stream(self._handle)
            pa.terminate()

    def _start(self) -> None:
        with self._closed_on_error(), quiet_stderr():
            try:
                _portaudio.start_stream(self._handle)
            except OSError as error:
                raise DeviceError(f"{self.description} does not start: {error}") from error

    def _is_active(self) -> bool:
        try:
            return self._pa is not None and bool(_portaudio.is_stream_active(self._handle))
        except OSError:
            return False

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise


class PortAudioInput(_Stream):
    """An open microphone."""

    _listening: Listening | None = None

    def __init__(
        self, device: str, rate_hz: int, frame_ms: int, on_frame: OnFrame, is_resting: Callable[[], bool]
    ) -> None:
        super().__init__("input", device, rate_hz, _INPUT_LATENCY_MS)
        self.latency_s = float(self._stream.get_input_latency())
        self._framer = Framer(self.rate_hz, rate_hz, frame_ms, on_frame)
        self._start()
        self._listening = Listening(self, self.rate_hz, _INPUT_LATENCY_MS / 2000, is_resting)

    @property
    def xruns(self) -> int:
        """Count how often samples were missing."""
        return self._listening.gaps if self._listening is not None else 0

    def is_stalled(self, now: float) -> bool:
        """Has the device gone, or given nothing for a second?"""
        return super().is_stalled(now) or (self._listening is not None and self._listening.is_over)

    def close(self) -> None:
        """Stop and let go of the device. May be called twice."""
        if self._listening is not None:
            self._listening.close()
        super().close()

    def available(self) -> int:
        """Return how many samples can be read now; less than none if the device has gone."""
        return int(_portaudio.get_stream_read_available(self._handle))

    def read(self, n_samples: int) -> bytes:
        """Return what can be read. Raises `OSError` if the device has gone, but not for an overflow: PyAudio would close it."""
        return bytes(_portaudio.read_stream(self._handle, n_samples, False))

    def taken(self, pcm: bytes, captured_ns: int) -> None:
        """Pass on what was read, with the time of its first sample."""
        self._progress.called(time.monotonic())
        try:
            self._framer.add(to_mono(pcm, self._channels), captured_ns)
        except Exception as error:
            self.error = self.error or error


class PortAudioOutput(_Stream):
    """An open loudspeaker."""

    def __init__(self, device: str, rate_hz: int, read: Read, latency_ms: int) -> None:
        self.xruns = 0
        super().__init__("output", device, rate_hz, latency_ms, self._on_period)
        self._device_latency_s = float(self._stream.get_output_latency())
        self._audible_s = 0.0
        """When the first sample of the latest call leaves the loudspeaker."""
        self._sounds_at_once = False
        self._has_pulled = False
        self._puller = Puller(rate_hz, self.rate_hz, read)
        self._start()

    @property
    def latency_s(self) -> float:
        """The time between a read and the air."""
        return self._device_latency_s + self._puller.delay_s

    @property
    def pull_latency_s(self) -> float:
        """The same for the latest read."""
        return max(0.0, self._audible_s - time.monotonic()) + self._puller.delay_s

    @property
    def patience_s(self) -> float:
        """How long the latest read may wait, so that enough is left for a busy machine; 0 if it would hold up others' sound."""
        return _WAITS * self.pull_latency_s if self._calls_from_own_thread else 0.0

    @property
    def holds_s(self) -> float:
        """What it takes within the first 10 ms: three periods at once and soon another (PulseAudio, measured)."""
        return 2 * self._device_latency_s if self._sounds_at_once else 0.0

    def abort(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Drop what the device holds, at once, and begin anew."""
        self.rest()
        if self._pa is None or self._is_lost:
            return
        meanwhile()
        self._is_resting = False
        self._progress.called(time.monotonic())
        try:
            _portaudio.start_stream(self._handle)
        except OSError as error:
            self._lost(error)

    def rest(self) -> None:
        """Drop what the device holds, at once, and be still until the next `abort`."""
        if self._pa is None or self._is_resting:
            return
        self._is_resting = True
        try:
            _portaudio.abort_stream(self._handle)
        except OSError as error:
            self._lost(error)
        self._puller.clear()

    def _lost(self, error: OSError) -> None:
        self.error = self.error or error
        self._is_lost = True

    def _on_period(
        self, _: bytes | None, n_samples: int, times: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """Serve the device, in its thread. PyAudio would throw an exception at the main thread: keep it instead."""
        self._progress.called(time.monotonic())
        if status & pyaudio.paOutputUnderflow:
            self.xruns += 1
        try:
            return self._exchange(n_samples, times), pyaudio.paContinue
        except Exception as error:
            self.error = self.error or error
            return bytes(n_samples * self._channels * _SAMPLE_BYTES), pyaudio.paContinue

    def _exchange(self, n_samples: int, times: Mapping[str, float]) -> bytes:
        reported_s = times["output_buffer_dac_time"] - times["current_time"]
        is_filling = 0 <= reported_s < self._device_latency_s  # it has just begun and is not full yet
        latency_s = reported_s if is_filling else self._device_latency_s
        self._audible_s = time.monotonic() + latency_s
        if not self._has_pulled:  # some begin with a buffer full of silence
            self._sounds_at_once = latency_s < n_samples / self.rate_hz
            self._has_pulled = True
        return from_mono(self._puller.pull(n_samples), self._channels)


def library() -> str:
    """Say which PortAudio this is."""
    return str(pyaudio.get_portaudio_version_text())


def initialise() -> Any:
    """Start a PortAudio of our own, quietly."""
    check_alsa_config()
    os.environ.setdefault("JACK_NO_START_SERVER", "1")  # looking for devices must not start a server
    with quiet_stderr() as overheard:
        try:
            return pyaudio.PyAudio()
        except OSError as error:
            failure = error
    raise DeviceError(f"PortAudio does not start: {failure}\n{overheard.brief()}") from failure


def infos_of(pa: Any, direction: str) -> list[dict[str, Any]]:
    """Return what PortAudio tells of every device that has this direction."""
    every = [pa.get_device_info_by_index(index) for index in range(pa.get_device_count())]
    return [info for info in every if info[channels_key(direction)] > 0]


def default_of(pa: Any, direction: str) -> dict[str, Any] | None:
    """Return what it tells of the default one, None if there is none."""
    ask = pa.get_default_input_device_info if direction == "input" else pa.get_default_output_device_info
    try:
        info: dict[str, Any] = ask()
    except OSError:
        return None
    return info


def _calls_from_own_thread(pa: Any, info: Mapping[str, Any]) -> bool:
    """Whether a callback that waits holds up nothing but its own stream, as with ALSA; JACK's whole graph would wait."""
    return bool(pa.get_host_api_info_by_index(info["hostApi"])["type"] == pyaudio.paALSA)


def _open(
    pa: Any, info: Mapping[str, Any], direction: Direction, rate_hz: int, latency_ms: int, on_period: Any
) -> tuple[Any, int, int]:
    """Open without starting, as near to mono at `rate_hz` as the device goes; gives stream, rate and channels."""
    failure: Exception | None = None
    with quiet_stderr() as overheard:
        for rate, channels in ways_to_open(info, direction, rate_hz):
            options = {direction: True, f"{direction}_device_index": info["index"]}
            try:
                stream = pa.open(
                    rate,
                    channels,
                    INT16,
                    frames_per_buffer=rate * latency_ms // 2000,  # two of them
                    start=False,
                    stream_callback=on_period,
                    **options,
                )
            except (OSError, ValueError) as error:
                failure = failure or error
            else:
                return stream, rate, channels
    raise DeviceError(
        f'the {NOUNS[direction]} "{info["name"]}" does not open: {failure}; is another program using it, '
        f"or is its sound server down?\n{overheard.brief()}".rstrip()
    ) from failure
