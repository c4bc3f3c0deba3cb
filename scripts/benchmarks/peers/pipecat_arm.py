"""pipecat's local transport with its Gemini Live service, put together as its examples do.

Run in that package's environment; GOOGLE_GEMINI_BASE_URL and SSL_CERT_FILE lead Google's SDK to the stand-in.
"""

import asyncio
import os

from pipecat.frames.frames import InputTextRawFrame, LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import ContextWindowCompressionParams, GeminiLiveLLMService
from pipecat.transports.local.audio import LocalAudioTransport, LocalAudioTransportParams
from pipecat.workers.runner import WorkerRunner

from scripts.benchmarks import loads
from scripts.benchmarks.peers import MODEL, wants_sound


def service() -> GeminiLiveLLMService:
    """Make the model's side."""
    return GeminiLiveLLMService(
        api_key=os.environ["GOOGLE_API_KEY"],
        settings=GeminiLiveLLMService.Settings(
            model=f"models/{MODEL}",
            context_window_compression=ContextWindowCompressionParams(enabled=True),
        ),
        inference_on_context_initialization=False,
    )


async def main() -> None:
    """Talk until the process ends."""
    model, context = service(), LLMContextAggregatorPair(LLMContext())
    middle = [context.user(), model]
    if wants_sound():
        transport = LocalAudioTransport(
            LocalAudioTransportParams(audio_in_enabled=True, audio_out_enabled=True)
        )
        stages = [transport.input(), *middle, transport.output(), context.assistant()]
    else:
        stages = [*middle, context.assistant()]
    params = PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000)
    worker = PipelineWorker(Pipeline(stages), params=params, idle_timeout_secs=None)
    await worker.queue_frames([LLMRunFrame()])
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(
        runner.run(), loads.obey(lambda text: worker.queue_frame(InputTextRawFrame(text=text)))
    )


if __name__ == "__main__":
    asyncio.run(main())
