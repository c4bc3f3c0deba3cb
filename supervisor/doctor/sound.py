"""Microphones, loudspeakers and the sound server: each is really opened, and has to do its work for a moment."""

import os
import socket
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from actors.devices.audio import FILE_PREFIX, Device, DeviceAbsent, DeviceError, open_input, open_output
from actors.settings import MicTable, Settings, SpeakerTable, kind_of
from supervisor.doctor.finding import Finding, note, ok, wrong

WORKS_WITHIN_S = 3.0
MIC_RATE_HZ = 16_000
SPEAKER_RATE_HZ = 24_000


def server(environment: Mapping[str, str]) -> Finding:
    """Look for PulseAudio or PipeWire. Without one, ALSA's devices are used as they are."""
    topic = "sound server"
    path = _server_socket(environment)
    if path is None:
        return ok(topic, f"{environment['PULSE_SERVER']}, as PULSE_SERVER says")
    if not path.exists():
        return note(
            topic, "none (PulseAudio or PipeWire): devices are used directly, by one program at a time"
        )
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(WORKS_WITHIN_S)
    try:
        probe.connect(str(path))
    except OSError as error:
        remedy = "start it: systemctl --user restart pipewire-pulse (or pulseaudio --start)"
        return wrong(topic, f"does not answer at {path}: {error}", remedy)
    finally:
        probe.close()
    return ok(topic, f"answers at {path}")


def devices(settings: Settings) -> Iterator[Finding]:
    """Open every microphone and loudspeaker that the configuration asks for on this machine."""
    for name, values in settings.actors.items():
        table = settings.table(name, kind_of(name, values))
        if table.enabled is False or table.on:
            continue
        if isinstance(table, MicTable):
            yield _tried(name, table, lambda device=table.device: _listen(device))  # type: ignore[misc]
        elif isinstance(table, SpeakerTable):
            yield _tried(name, table, lambda device=table.device: _speak(device))  # type: ignore[misc]


def _tried(name: str, table: MicTable | SpeakerTable, attempt: Callable[[], tuple[str, str]]) -> Finding:
    """`attempt` returns what works, and what is odd about it."""
    if table.device.startswith(FILE_PREFIX):
        return _file(name, table)
    try:
        works, odd = attempt()
    except DeviceAbsent as error:
        if table.enabled == "auto":
            return note(name, f"off: {error}")
        return wrong(name, str(error), f'plug it in, or set actors.{name}.enabled = "auto"')
    except DeviceError as error:
        return wrong(name, str(error), "`supervisor devices` lists those there are")
    return note(name, works, odd) if odd else ok(name, works)


def _file(name: str, table: MicTable | SpeakerTable) -> Finding:
    path = Path(table.device.removeprefix(FILE_PREFIX)).expanduser()
    if isinstance(table, MicTable):
        if os.access(path, os.R_OK) and path.is_file():
            return ok(name, f"{path}, in real time")
        return wrong(name, f"{path} cannot be read", f"correct actors.{name}.device")
    if os.access(path.parent, os.W_OK):
        return ok(name, f"{path}, as it would be heard")
    return wrong(name, f"{path.parent} cannot be written", f"correct actors.{name}.device")


def _listen(device: str) -> tuple[str, str]:
    heard = threading.Event()
    loudest = [0]

    def on_frame(pcm: bytes, _: int) -> None:
        loudest[0] = max(loudest[0], *map(abs, array("h", pcm)))
        if loudest[0]:
            heard.set()

    opened = open_input(device, MIC_RATE_HZ, 20, on_frame)
    with closing(opened):
        heard.wait(1.0)
        _raise_if_dead(opened, has_worked=loudest[0] > 0 or not opened.is_stalled(time.monotonic()))
    if not loudest[0]:
        return (
            f"{opened.description} delivers only zeros",
            "unmute it in the sound settings, or in `alsamixer`",
        )
    return f"{opened.description}, hears something", ""


def _speak(device: str) -> tuple[str, str]:
    asked = threading.Event()

    def read(samples: int) -> bytes:
        asked.set()
        return bytes(2 * samples)

    opened = open_output(device, SPEAKER_RATE_HZ, read)
    with closing(opened):
        _raise_if_dead(opened, has_worked=asked.wait(WORKS_WITHIN_S))
    return f"{opened.description}, takes sound", ""


def _raise_if_dead(device: Device, *, has_worked: bool) -> None:
    if device.error is not None:
        raise DeviceError(f"{device.description} fails: {device.error}")
    if not has_worked:
        raise DeviceError(f"{device.description} opens, but nothing comes or goes")


def _server_socket(environment: Mapping[str, str]) -> Path | None:
    """Return where the local sound server listens, None for one that is elsewhere."""
    named = environment.get("PULSE_SERVER", "")
    if named and not named.startswith(("unix:", "/")):
        return None
    if named:
        return Path(named.removeprefix("unix:"))
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return Path(environment.get("PULSE_RUNTIME_PATH") or f"{runtime}/pulse") / "native"
