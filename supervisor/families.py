"""What is known about families of Live models, as warnings of `check`. The service has the last word. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from actors.settings import ModelTable


@dataclass(frozen=True, slots=True)
class _Fact:
    family: str
    """A part of the model's name."""
    applies: Callable[[ModelTable], object]
    warning: str


_FACTS = (
    _Fact("live-2.5-flash-preview", lambda _: True, "model.name: this model was shut down on 2025-12-09"),
    _Fact("2.0-flash-live", lambda _: True, "model.name: this model was shut down on 2025-12-09"),
    _Fact(
        "native-audio",
        lambda m: m.modality == "text",
        "model.modality: native-audio models speak; text comes as the transcript of what they say",
    ),
    _Fact(
        "native-audio",
        lambda m: m.language,
        "model.language: native-audio models choose the language themselves",
    ),
    _Fact(
        "2.5",
        lambda m: m.proactive_audio and m.api_version != "v1alpha",
        'model.proactive_audio: 2.5 models take it with api_version = "v1alpha" only',
    ),
    _Fact(
        "2.5",
        lambda m: m.affective_dialog and m.api_version != "v1alpha",
        'model.affective_dialog: 2.5 models take it with api_version = "v1alpha" only',
    ),
    _Fact("2.5", lambda m: m.thinking_level, "model.thinking_level: 2.5 models have thinking_budget instead"),
    _Fact(
        "3.1",
        lambda m: m.thinking_budget is not None,
        "model.thinking_budget: 3.1 has thinking_level instead",
    ),
    _Fact(
        "3.1",
        lambda m: m.tools,
        "model.tools: 3.1 is silent until a function has answered; @tool(blocking=False) changes nothing",
    ),
    _Fact("3.1", lambda m: m.affective_dialog, "model.affective_dialog: removed in 3.x"),
    _Fact("3.8", lambda m: m.affective_dialog, "model.affective_dialog: removed in 3.x"),
    _Fact("3.8", lambda m: m.modality == "text", "model.modality: 3.8 models answer with audio only"),
    _Fact(
        "3.8-live",
        lambda m: (m.thinking_level or m.thinking_budget is not None) and "extended-thinking" not in m.name,
        "model.thinking_level: gemini-3.8-live does not think; gemini-3.8-live-extended-thinking does",
    ),
    _Fact(
        "transcribe-live",
        lambda m: m.modality == "audio",
        "model.modality: this model answers with text only",
    ),
)


def warnings(model: ModelTable) -> list[str]:
    """Return what will probably not work as written."""
    return [fact.warning for fact in _FACTS if fact.family in model.name and fact.applies(model)]
