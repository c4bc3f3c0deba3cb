"""A sound card made of software: a private PulseAudio daemon with one microphone and one loudspeaker.

Nothing outside its own directory is touched. `norewinds=1` is essential: without it an idle null sink has a block of 2 s,
so that the first sound comes 2 s late.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

SINK_RATE_HZ = 48_000

Samples: TypeAlias = npt.NDArray[np.int16]

ASOUND = """\
pcm.pulse {{ type pulse server "unix:{dir}/native" }}
ctl.pulse {{ type pulse server "unix:{dir}/native" }}
pcm.!default {{ type pulse server "unix:{dir}/native" hint {{ show on description "private PulseAudio" }} }}
ctl.!default {{ type pulse server "unix:{dir}/native" }}
"""

DEFAULT_PA = """\
.fail
load-module module-native-protocol-unix auth-anonymous=1 socket={dir}/native
"""

SPEAKER = "module-null-sink sink_name=speaker norewinds=1 rate=48000 channels=2"
FEED = "module-null-sink sink_name=micfeed norewinds=1 rate=48000 channels=1"
MIC = "module-remap-source source_name=mic master=micfeed.monitor rate=48000 channels=1 remix=no"
SPEAKER_PA = f"load-module {SPEAKER}\nset-default-sink speaker\n"
MIC_PA = f"load-module {FEED}\nload-module {MIC}\nset-default-source mic\n"

DAEMON_CONF = """\
daemonize = no
exit-idle-time = -1
high-priority = no
realtime-scheduling = no
resample-method = speex-float-5
flat-volumes = no
enable-shm = no
"""

COMMAND = "pulseaudio -n --daemonize=no --use-pid-file=no --exit-idle-time=-1 --disallow-exit=no --log-target=stderr"


def why_not() -> str:
    """Say what is missing to run it, or nothing."""
    missing = [tool for tool in ("pulseaudio", "pactl", "paplay", "parec") if shutil.which(tool) is None]
    return f"needs {', '.join(missing)}: apt install pulseaudio pulseaudio-utils" if missing else ""


class VirtualAudio:
    """Use as a context manager; `env` is what a process needs to see only these devices."""

    def __init__(self, *, has_speaker: bool = True, has_mic: bool = True) -> None:
        self._devices = SPEAKER_PA * has_speaker + MIC_PA * has_mic
        self._is_up = "Default Source: mic" if has_mic else "Default Sink: speaker"
        self.dir = Path(tempfile.mkdtemp(prefix="antiphon-audio-"))
        self.env = {
            **{
                name: str(self.dir)
                for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH")
            },
            "XDG_CONFIG_HOME": f"{self.dir}/config",
            "PULSE_CONFIG_PATH": f"{self.dir}/config",
            "PULSE_CLIENTCONFIG": f"{self.dir}/client.conf",
            "PULSE_COOKIE": f"{self.dir}/cookie",
            "PULSE_SERVER": f"unix:{self.dir}/native",
            "ALSA_CONFIG_PATH": f"{self.dir}/asound.conf",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "JACK_NO_START_SERVER": "1",
        }
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        (self.dir / "asound.conf").write_text(ASOUND.format(dir=self.dir))
        (self.dir / "default.pa").write_text(DEFAULT_PA.format(dir=self.dir) + self._devices)
        (self.dir / "daemon.conf").write_text(DAEMON_CONF)
        (self.dir / "client.conf").write_text("autospawn = no\nenable-shm = no\n")
        (self.dir / "config").mkdir(mode=0o700)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self) -> None:
        """Start the daemon, again if it was killed, and wait until its devices are there."""
        environ = {**os.environ, **self.env, "PULSE_CONFIG": f"{self.dir}/daemon.conf"}
        environ.pop("PULSE_LATENCY_MSEC", None)
        with (self.dir / "pulse.log").open("wb") as log:
            command = [*COMMAND.split(), "-F", str(self.dir / "default.pa")]
            self._daemon = subprocess.Popen(
                command, env=environ, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 10
        while self._is_up not in self._ask("info").stdout:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("no virtual audio:\n" + (self.dir / "pulse.log").read_text())
            time.sleep(0.02)
        self._hurry()

    def kill(self) -> None:
        """Take every device away at once."""
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGKILL)
            self._daemon.wait()

    def pactl(self, *arguments: str) -> str:
        """Give an order to the daemon."""
        answer = self._ask(*arguments)
        if answer.returncode:
            raise RuntimeError(f"pactl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout

    @contextmanager
    def speaking(self, wav: Path, within_s: float = 60.0) -> Iterator[None]:
        """Feed a WAV file to the microphone; the block is left when it has been spoken."""
        command = ["paplay", "-d", "micfeed", str(wav)]
        player = subprocess.Popen(command, env={**os.environ, **self.env}, stderr=subprocess.DEVNULL)
        try:
            yield
            player.wait(within_s)
        finally:
            player.kill()
            player.wait()

    @contextmanager
    def listening(self, rate_hz: int, source: str = "speaker.monitor") -> Iterator["Recording"]:
        """Record the loudspeaker, or another source, from the first block on; gives a `Recording`."""
        command = ["parec", "--raw", "-d", source, "--latency-msec=10", "--format=s16le"]
        command += ["--channels=1", f"--rate={rate_hz}"]
        recorder = subprocess.Popen(command, env={**os.environ, **self.env}, stdout=subprocess.PIPE)
        assert recorder.stdout is not None
        recording = Recording(recorder.stdout.fileno())
        try:
            wait_until(lambda: bool(recording.blocks), "the recorder did not start")
            yield recording
        finally:
            recorder.kill()
            recorder.wait()
            recording.thread.join()
            recorder.stdout.close()

    def _hurry(self) -> None:
        """Give the daemon the priority a desktop gives it; without the right to, go on without."""
        assert self._daemon is not None
        with suppress(PermissionError):
            for thread in Path(f"/proc/{self._daemon.pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(5))

    def _ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, **self.env}
        return subprocess.run(
            ["pactl", *arguments], env=environ, capture_output=True, text=True, check=False, timeout=10
        )


class Recording:
    """What a loudspeaker played, block by block as it came."""

    def __init__(self, fd: int) -> None:
        self.blocks: list[tuple[float, bytes]] = []
        self.thread = threading.Thread(target=self._read, args=(fd,), daemon=True)
        self.thread.start()

    @property
    def samples(self) -> Samples:
        """All of it, int16 mono."""
        pcm = b"".join(block for _, block in self.blocks)
        return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype=np.int16)

    def last_sound(self) -> float:
        """When the last block that was not silent came; 0 before the first."""
        return next((came for came, block in reversed(list(self.blocks)) if is_sound(block)), 0.0)

    def _read(self, fd: int) -> None:
        while block := os.read(fd, 65_536):
            self.blocks.append((time.monotonic(), block))


def is_sound(pcm: bytes) -> bool:
    """Whether anything but silence is in it; asked all the time, so without looking at each sample in Python."""
    return bool(pcm.strip(b"\0"))


def wait_until(is_so: Callable[[], object], otherwise: str, within_s: float = 10.0) -> float:
    """Wait for a condition; gives how long it took in seconds, raises AssertionError after `within_s`."""
    started = time.monotonic()
    while not is_so():
        assert time.monotonic() - started < within_s, otherwise
        time.sleep(0.005)
    return time.monotonic() - started


def speech_like(seconds: float, rate_hz: int) -> Samples:
    """Noise below 3 kHz with the rhythm of syllables: no two moments are alike, the same at every rate. int16."""
    n_samples = round(seconds * SINK_RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(n_samples))
    spectrum[round(3000 * seconds) :] = 0
    low = np.fft.irfft(spectrum, n_samples)
    rhythm = 0.65 + 0.35 * np.sin(2 * np.pi * 4 * np.arange(n_samples) / SINK_RATE_HZ)
    loud = np.int16(6000 * rhythm * low / low.std())
    return np.asarray(soxr.resample(loud, SINK_RATE_HZ, rate_hz), dtype=np.int16)


def write_wav(path: Path, samples: Samples, rate_hz: int) -> Path:
    """Write int16 mono."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(samples.tobytes())
    return path


def align(heard: Samples, sent: Samples) -> Samples:
    """Cut from what was heard the part where `sent` stands."""
    size = 1 << (len(heard) + len(sent)).bit_length()
    spectrum = np.fft.rfft(heard.astype(float), size) * np.conj(np.fft.rfft(sent.astype(float), size))
    start = int(np.argmax(np.fft.irfft(spectrum, size)[: len(heard)]))
    return heard[start : start + len(sent)]


def correlation(heard: Samples, sent: Samples) -> float:
    """How alike two signals of one length are: 1 is the same but for loudness."""
    return float(np.corrcoef(heard.astype(float), sent.astype(float))[0, 1])


def broken_blocks(heard: Samples, sent: Samples, rate_hz: int) -> int:
    """How many blocks of 20 ms do not hold what was sent at that very place."""
    n = rate_hz // 50
    pairs = ((heard[at : at + n], sent[at : at + n]) for at in range(0, len(sent) - n + 1, n))
    return sum(correlation(a, b) < 0.98 if a.any() else True for a, b in pairs)
