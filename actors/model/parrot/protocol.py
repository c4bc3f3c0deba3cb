"""The rules of the Live protocol: what may be said when. Pure.

Codes and reasons are those of the real service (LIVE_PROTOCOL in the project's notes; reports of several clients).
"""

import re
from collections.abc import Collection

from actors.model.parrot.client_messages import ActivityDetection, ClientMessage, RealtimeInput, Setup
from actors.model.parrot.refusal import INVALID, POLICY, Refusal, invalid_argument, unknown_name


class Protocol:
    """The order of one connection's messages.

    `setup` is None until the setup was accepted.
    """

    def __init__(
        self, *, api_version: str = "v1beta", vertex: bool = False, missing: Collection[str] = ()
    ) -> None:
        self.setup: Setup | None = None
        self._api_version = api_version
        self._vertex = vertex
        self._missing = missing

    def check(self, message: ClientMessage) -> None:
        """Let the message pass, or raise Refusal."""
        if (self.setup is None) != (message.setup is not None):
            raise Refusal(INVALID, "setup must be the first message and only the first")
        if message.setup is not None:
            self._check_setup(message.setup)
            self.setup = message.setup
        if self.setup is not None and message.realtime_input is not None:
            _check_realtime(self.setup, message.realtime_input)
        if self.setup is not None and message.client_content is not None:
            _check_content(self.setup)

    @property
    def detection(self) -> ActivityDetection:
        """How turns of speech are found; the defaults before setup."""
        setup = self.setup or Setup()
        return setup.realtime_input_config.automatic_activity_detection

    def _check_setup(self, setup: Setup) -> None:
        name = _short(setup.model)
        if not name:
            raise invalid_argument()
        if name in self._missing:
            raise Refusal(POLICY, self._not_found(setup.model))
        modalities = setup.generation_config.response_modalities
        if any(modality not in {"AUDIO", "TEXT"} for modality in modalities) or len(modalities) > 1:
            raise invalid_argument()
        if not setup.speaks and "native-audio" in name:
            raise Refusal(INVALID, "Cannot extract voices from a non-audio request.")
        resumption = setup.session_resumption
        if resumption is not None and resumption.transparent is not None and not self._vertex:
            raise unknown_name("transparent", "setup.session_resumption")

    def _not_found(self, model: str) -> str:
        if self._vertex:
            return f"Publisher Model `{model}` was not found or your project does not have access to it."
        return (
            f"{model} is not found for API version {self._api_version}, or is not supported for "
            "bidiGenerateContent. Call ModelService.ListModels"
        )


def _short(model: str) -> str:
    return model.rpartition("/")[2]


def _check_realtime(setup: Setup, said: RealtimeInput) -> None:
    if said.media_chunks and re.match(r"gemini-[3-9]", _short(setup.model)):
        raise Refusal(
            INVALID, "realtime_input.media_chunks is deprecated. Use audio, video, or text instead."
        )
    explicit = said.activity_start is not None or said.activity_end is not None
    if explicit and not setup.realtime_input_config.automatic_activity_detection.disabled:
        raise Refusal(
            INVALID,
            "Explicit activity control is not supported when automatic activity detection is enabled.",
        )


def _check_content(setup: Setup) -> None:
    if "3.1-flash-live" in setup.model and not setup.history_config:
        raise invalid_argument()
