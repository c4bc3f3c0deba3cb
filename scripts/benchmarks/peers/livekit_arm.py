"""LiveKit agents in the console mode of its Python package, with Gemini Live as the realtime model.

Run in that package's environment, on a terminal; GOOGLE_GEMINI_BASE_URL and SSL_CERT_FILE lead Google's SDK to the stand-in.
"""

import asyncio
import os
import sys

from google.genai import types
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli
from livekit.plugins import google

from scripts.benchmarks import loads
from scripts.benchmarks.peers import MODEL, wants_sound

server = AgentServer()
obeying: set["asyncio.Task[None]"] = set()


def model() -> google.realtime.RealtimeModel:
    """Make the model's side."""
    return google.realtime.RealtimeModel(
        model=MODEL,
        api_key=os.environ["GOOGLE_API_KEY"],
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
    )


@server.rtc_session()
async def talk(job: JobContext) -> None:
    """Talk until the process ends."""
    session = AgentSession(llm=model())

    async def say(text: str) -> None:
        session.generate_reply(user_input=text)

    obeying.add(asyncio.create_task(loads.obey(say)))
    await session.start(agent=Agent(instructions="Answer."), room=job.room)


if __name__ == "__main__":
    sys.argv[1:] = ["console"] if wants_sound() else ["console", "--text"]
    cli.run_app(server)
