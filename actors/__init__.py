"""Antiphon's actors: every process of a conversation, and the Python API of the class it re-imagines.

    from actors import GoogleRealtimeSession

    await GoogleRealtimeSession("gemini-2.5-flash-native-audio-preview-12-2025").start()

is a conversation by keyboard and screen; streamers say where else words and voices come from and go to.
The public names are resolved when they are asked for, so that an actor process which imports `actors.wire` pays for nothing
else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.inputs.base import BaseInputStreamer
    from actors.inputs.event_streamer import ConversationOverError, EventInputStreamer
    from actors.inputs.keyboard_streamer import KeyboardInputStreamer
    from actors.inputs.mic_streamer import FileInputStreamer, LinuxMicInputStreamer
    from actors.inputs.video_streamer import CameraInputStreamer, ScreenInputStreamer
    from actors.model.io_streamer import GoogleIOStreamer
    from actors.outputs.base import BaseOutputStreamer
    from actors.outputs.console_streamer import ConsoleOutputStreamer
    from actors.outputs.event_streamer import EventOutputStreamer
    from actors.outputs.speaker_streamer import FileOutputStreamer, LinuxSpeakerOutputStreamer
    from actors.state import CoordinatorUnavailableError, GoogleIOStreamerState
    from actors.streamers.sources import StreamersFailedError
    from supervisor.embedding.process import ConversationError
    from supervisor.session import GoogleRealtimeSession

_HOMES = {
    "BaseInputStreamer": "actors.inputs.base",
    "BaseOutputStreamer": "actors.outputs.base",
    "CameraInputStreamer": "actors.inputs.video_streamer",
    "ConsoleOutputStreamer": "actors.outputs.console_streamer",
    "ConversationError": "supervisor.embedding.process",
    "ConversationOverError": "actors.inputs.event_streamer",
    "CoordinatorUnavailableError": "actors.state",
    "EventInputStreamer": "actors.inputs.event_streamer",
    "EventOutputStreamer": "actors.outputs.event_streamer",
    "FileInputStreamer": "actors.inputs.mic_streamer",
    "FileOutputStreamer": "actors.outputs.speaker_streamer",
    "GoogleIOStreamer": "actors.model.io_streamer",
    "GoogleIOStreamerState": "actors.state",
    "GoogleRealtimeSession": "supervisor.session",
    "KeyboardInputStreamer": "actors.inputs.keyboard_streamer",
    "LinuxMicInputStreamer": "actors.inputs.mic_streamer",
    "LinuxSpeakerOutputStreamer": "actors.outputs.speaker_streamer",
    "ScreenInputStreamer": "actors.inputs.video_streamer",
    "StreamersFailedError": "actors.streamers.sources",
}

__all__ = [
    "BaseInputStreamer",
    "BaseOutputStreamer",
    "CameraInputStreamer",
    "ConsoleOutputStreamer",
    "ConversationError",
    "ConversationOverError",
    "CoordinatorUnavailableError",
    "EventInputStreamer",
    "EventOutputStreamer",
    "FileInputStreamer",
    "FileOutputStreamer",
    "GoogleIOStreamer",
    "GoogleIOStreamerState",
    "GoogleRealtimeSession",
    "KeyboardInputStreamer",
    "LinuxMicInputStreamer",
    "LinuxSpeakerOutputStreamer",
    "ScreenInputStreamer",
    "StreamersFailedError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'actors' has no attribute {name!r}")
    import importlib

    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found
