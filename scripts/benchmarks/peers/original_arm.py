"""gllm-inference-binary's GoogleRealtimeSession as its documentation shows it: microphone and loudspeaker of Linux.

Run in that package's environment; GOOGLE_GEMINI_BASE_URL and SSL_CERT_FILE lead Google's SDK to the stand-in.
"""

import asyncio

from gllm_inference.realtime_session import GoogleRealtimeSession
from gllm_inference.realtime_session.input_streamer import LinuxMicInputStreamer
from gllm_inference.realtime_session.input_streamer.input_streamer import BaseInputStreamer
from gllm_inference.realtime_session.output_streamer import ConsoleOutputStreamer, LinuxSpeakerOutputStreamer

from scripts.benchmarks import loads
from scripts.benchmarks.peers import MODEL, wants_sound


class Orders(BaseInputStreamer):
    """Types what it is ordered to: the package's own keyboard wants a terminal."""

    async def stream_input(self) -> None:
        """Obey until the process ends."""
        await loads.obey(lambda text: self.input_queue.put({"text": text}))

    async def close(self) -> None:
        """Nothing is open."""


async def main() -> None:
    """Talk until the process ends."""
    microphone = [LinuxMicInputStreamer()] if wants_sound() else []
    loudspeaker = [LinuxSpeakerOutputStreamer()] if wants_sound() else []
    await GoogleRealtimeSession(MODEL).start(
        input_streamers=[Orders(), *microphone], output_streamers=[ConsoleOutputStreamer(), *loudspeaker]
    )


if __name__ == "__main__":
    asyncio.run(main())
