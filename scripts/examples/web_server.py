"""A web server in which every visitor has a conversation of their own.

    python scripts/examples/web_server.py 8000        # then open http://localhost:8000

Over the WebSocket a visitor sends text as text and voice as binary (16 kHz, int16, mono), and gets JSON for text and binary
for voice (24 kHz). With FastAPI it is the same: `talk` in the body of an `@app.websocket` function, with its `receive` and
`send_…` instead.
"""

import asyncio
import json
import sys
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from actors import ConversationOverError, EventInputStreamer, EventOutputStreamer, GoogleRealtimeSession

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
PAGE = """<!doctype html><title>Antiphon</title><pre id=said></pre><input id=say autofocus placeholder="Say something">
<script>
  const socket = new WebSocket(`ws://${location.host}/talk`), speaker = new AudioContext({sampleRate: 24000});
  let plays = [], until = 0;
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({data}) => {
    if (typeof data !== "string") {
      const pcm = new Int16Array(data), buffer = speaker.createBuffer(1, pcm.length, 24000), source = speaker.createBufferSource();
      buffer.getChannelData(0).set(Float32Array.from(pcm, sample => sample / 32768));
      source.buffer = buffer; source.connect(speaker.destination);
      until = Math.max(until, speaker.currentTime); source.start(until); until += buffer.duration; plays.push(source);
      return;
    }
    const event = JSON.parse(data);
    if (event.interrupted) { plays.forEach(source => source.stop()); plays = []; until = 0; }
    said.textContent += event.output_text ?? (event.text_complete ? "\\n" : "");
  };
  say.onchange = () => { speaker.resume(); said.textContent += `> ${say.value}\\n`; socket.send(say.value); say.value = ""; };
</script>"""


async def talk(visitor: ServerConnection) -> None:
    """Have one conversation; it ends when the visitor leaves."""
    says, hears = EventInputStreamer(), EventOutputStreamer()
    session = GoogleRealtimeSession(model_name=MODEL, config={"model": {"provider": "auto"}})
    try:
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(session.start([says], [hears]))
            tasks.create_task(answer(visitor, hears))
            tasks.create_task(listen(visitor, says, talking))
    except* (ConnectionClosed, ConversationOverError):
        pass  # the visitor has left, in the middle of something


async def listen(visitor: ServerConnection, says: EventInputStreamer, talking: "asyncio.Task[None]") -> None:
    """Pass on what the visitor says; without a visitor there is no conversation."""
    async for message in visitor:
        if isinstance(message, str):
            await says.send_text(message)
        else:
            await says.send_audio(message)
    talking.cancel()


async def answer(visitor: ServerConnection, hears: EventOutputStreamer) -> None:
    """Pass on what the model says."""
    async for event in hears.events():
        await visitor.send(event["audio"] if "audio" in event else json.dumps(event))


def page(connection: ServerConnection, request: Request) -> Response | None:
    """Serve the page to whoever does not ask for the WebSocket."""
    if request.path == "/talk":
        return None
    response = connection.respond(HTTPStatus.OK, PAGE)
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


async def main(port: int) -> None:
    """Serve until interrupted."""
    async with serve(talk, "127.0.0.1", port, process_request=page) as server:
        print(f"http://localhost:{next(iter(server.sockets)).getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000))
