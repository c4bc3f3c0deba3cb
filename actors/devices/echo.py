"""Echo cancellation by WebRTC's audio processing, as packaged by LiveKit; the only importer of livekit, and only when used.

It takes 150 ms to import and 32 MiB, so it is an extra, and only the microphone's process pays.
"""

import importlib.util
import sys

MIC_RATE_HZ = 16_000
FAR_RATE_HZ = 24_000
FRAME_MS = 10
"""The only length of a frame that it takes."""
DELAY_NS = 14_000_000
"""How much later the cleaned voice comes out than it went in (measured: 8 ms of the canceller, 6 of the noise suppression)."""
REQUIREMENT = "livekit>=1.2,<2"


class EchoUnavailable(Exception):  # noqa: N818 - a state of the installation, not a fault
    """It cannot be used; the text says why and what to install."""


class EchoCanceller:
    """Takes out of the microphone what the loudspeaker plays, and steady noise. Leaves the loudness alone."""

    def __init__(self) -> None:
        try:
            from livekit.rtc import AudioFrame, AudioProcessingModule
        except (ImportError, OSError) as error:
            raise EchoUnavailable(f"{how_to_install()} ({error})") from error
        self._frame = AudioFrame
        self._make = AudioProcessingModule
        self.restart()

    def restart(self) -> None:
        """Forget the room. Until it is learnt again, in half a second, nothing passes that could be echo."""
        self._apm = self._make(
            echo_cancellation=True, noise_suppression=True, high_pass_filter=True, auto_gain_control=False
        )

    def clean(self, mic: bytes, far: bytes) -> bytes:
        """Return the microphone's 10 ms at 16 kHz without the echo of `far`, 10 ms at 24 kHz that sound no later.

        Both are int16 LE mono. What comes back stood `DELAY_NS` earlier in the stream.
        """
        self._apm.process_reverse_stream(self._frame(far, FAR_RATE_HZ, 1, FAR_RATE_HZ * FRAME_MS // 1000))
        cleaned = bytearray(mic)
        self._apm.process_stream(self._frame(cleaned, MIC_RATE_HZ, 1, MIC_RATE_HZ * FRAME_MS // 1000))
        return bytes(cleaned)


def is_installed() -> bool:
    """Whether the extra is there. Looks, and imports nothing of it."""
    return (
        importlib.util.find_spec("livekit") is not None
        and importlib.util.find_spec("livekit.rtc") is not None
    )


def how_to_install() -> str:
    """Say what to type."""
    return f"echo cancellation needs an extra package: {sys.executable} -m pip install '{REQUIREMENT}'"
