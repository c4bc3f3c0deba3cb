"""`GoogleIOStreamer` with a session of the real SDK: one process, the user's own queues, the built-in streamers in it."""

import asyncio
import logging
import os
import secrets
import ssl
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
from google import genai
from google.genai import types
from services import parrot
from talkers import talker
from virtual_audio import write_wav

from actors import (
    BaseOutputStreamer,
    ConsoleOutputStreamer,
    FileInputStreamer,
    FileOutputStreamer,
    GoogleIOStreamer,
    KeyboardInputStreamer,
)

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
CONFIG = {"response_modalities": ["AUDIO"], "input_audio_transcription": {}, "output_audio_transcription": {}}


class Keeps(BaseOutputStreamer):
    """Keeps everything; ends the conversation when a reply was heard."""

    def __init__(self):
        self.got = []

    async def handle(self, data):
        self.got.append(data)
        if "text_complete" in data:
            asyncio.get_running_loop().create_task(self._end())

    async def _end(self):
        while await self.state.get_streaming_output():  # noqa: ASYNC110 - as its users do
            await asyncio.sleep(0.02)
        await self.state.set_terminated(True)


async def converse(base_url, ca_file, key, inputs, outputs):
    """What a program for the original does."""
    arguments = {"ssl": ssl.create_default_context(cafile=ca_file), "proxy": None}
    options = types.HttpOptions(base_url=base_url, async_client_args=arguments)
    client = genai.Client(api_key=key, vertexai=False, http_options=options)
    async with client.aio.live.connect(model=MODEL, config=CONFIG) as session, asyncio.TaskGroup() as tasks:
        streamer = GoogleIOStreamer(
            session, tasks, asyncio.Queue(), asyncio.Queue(), inputs, outputs, 0.5, logging.getLogger("mine")
        )
        await streamer.start()


def test_a_file_is_spoken_and_the_answer_is_recorded(tmp_path):
    voice = np.concatenate([np.zeros(8_000, dtype=np.int16), talker(1.5, 16_000)])
    write_wav(tmp_path / "in.wav", voice, 16_000)
    keeps, key = Keeps(), secrets.token_urlsafe(20)

    with parrot(key=key) as server:
        inputs = [FileInputStreamer(tmp_path / "in.wav")]
        outputs = [FileOutputStreamer(tmp_path / "out.wav"), keeps]
        asyncio.run(asyncio.wait_for(converse(server.base_url, server.ca_file, key, inputs, outputs), 60))

    assert any("input_text" in data for data in keeps.got)
    with wave.open(str(tmp_path / "out.wav")) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    given = np.frombuffer(b"".join(data["audio"] for data in keeps.got if "audio" in data), dtype=np.int16)
    assert len(given) > 24_000
    assert np.count_nonzero(heard) > 0.9 * np.count_nonzero(given)


def test_the_keyboard_and_the_console_work_in_the_program_itself():
    key = secrets.token_urlsafe(20)
    with parrot(key=key) as server:
        ended = [
            subprocess.run(
                [sys.executable, __file__, server.base_url, str(server.ca_file), key],
                input=lines,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, Path(__file__).parents[1:3]))},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            for lines in ("hello\n", "/quit\nnever said\n")
        ]
    assert [(one.returncode, one.stdout) for one in ended] == [(0, "You said: hello\n"), (0, "")]


if __name__ == "__main__":
    asyncio.run(converse(*sys.argv[1:4], [KeyboardInputStreamer()], [ConsoleOutputStreamer()]))
