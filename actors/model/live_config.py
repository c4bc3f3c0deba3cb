"""The session's configuration in the SDK's words: our defaults, the named settings, then `[model.live]`. Pure, no SDK."""

from collections.abc import Sequence
from typing import Any

from actors.settings import ModelTable, VadTable


def live_fields(table: ModelTable, handle: str, functions: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return the fields of a `LiveConnectConfig`, snake_case. What `[model.live]` says wins, key by key.

    `functions` are the declarations of the user's tools.
    """
    fields: dict[str, Any] = {"response_modalities": [table.modality.upper()]}
    if table.transcribe_input:
        fields["input_audio_transcription"] = {}
    if table.transcribe_output and table.modality == "audio":
        fields["output_audio_transcription"] = {}
    fields |= _given(
        system_instruction=table.system_instruction or None,
        speech_config=_speech(table) or None,
        thinking_config=_thinking(table) or None,
        realtime_input_config=_realtime(table.vad) or None,
        proactivity={"proactive_audio": True} if table.proactive_audio else None,
        enable_affective_dialog=table.affective_dialog or None,
        media_resolution=f"MEDIA_RESOLUTION_{table.media_resolution.upper()}"
        if table.media_resolution
        else None,
        tools=_tools(table, functions) or None,
        context_window_compression=_compression(table),
    )
    if table.provider == "vertex":  # the Gemini API refuses it
        fields["session_resumption"] = {"transparent": True}
    fields = merged(fields, table.live)
    return merged(fields, {"session_resumption": {"handle": handle or None}})


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` on top, table by table; lists are joined."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list) and key == "tools":
            result[key] = before + value
        else:
            result[key] = value
    return result


def takes_asynchronous_tools(model: str) -> bool:
    """Return whether a model can go on talking while a function runs; 3.1 always waits."""
    return "3.1" not in model


def _tools(table: ModelTable, functions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    search: list[dict[str, Any]] = [{"google_search": {}}] if table.google_search else []
    return search + ([{"function_declarations": list(functions)}] if functions else [])


def _speech(table: ModelTable) -> dict[str, Any]:
    return _given(
        voice_config={"prebuilt_voice_config": {"voice_name": table.voice}} if table.voice else None,
        language_code=table.language or None,
    )


def _thinking(table: ModelTable) -> dict[str, Any]:
    return _given(thinking_budget=table.thinking_budget, thinking_level=table.thinking_level.upper() or None)


def _realtime(vad: VadTable) -> dict[str, Any]:
    start, end = vad.start_sensitivity.upper(), vad.end_sensitivity.upper()
    detection = _given(
        disabled=True if vad.mode == "manual" else None,
        start_of_speech_sensitivity=f"START_SENSITIVITY_{start}" if start else None,
        end_of_speech_sensitivity=f"END_SENSITIVITY_{end}" if end else None,
        prefix_padding_ms=vad.prefix_padding_ms,
        silence_duration_ms=vad.silence_duration_ms,
    )
    return _given(
        automatic_activity_detection=detection or None,
        activity_handling=None if vad.interrupts else "NO_INTERRUPTION",
    )


def _compression(table: ModelTable) -> dict[str, Any] | None:
    if not table.compress_context:
        return None
    return _given(
        trigger_tokens=table.compress_at_tokens, sliding_window=_given(target_tokens=table.compress_to_tokens)
    )


def _given(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
