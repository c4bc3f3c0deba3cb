"""`GoogleRealtimeSession`: the front door for Python programs. A call of `start` is a conversation, in a process tree of its own."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.inputs.base import BaseInputStreamer
from actors.inputs.keyboard_streamer import KeyboardInputStreamer
from actors.outputs.base import BaseOutputStreamer
from actors.outputs.console_streamer import ConsoleOutputStreamer
from supervisor import codes
from supervisor.embedding import tools as tool_references
from supervisor.embedding.handover import Handover, encode
from supervisor.embedding.plan import Plan, plan
from supervisor.embedding.process import ConversationError, TreeProcess
from supervisor.embedding.tools import Tool

DEFAULT_POST_OUTPUT_AUDIO_DELAY = 0.5
GIVEN_AS_ARGUMENTS = {
    "name": "model_name",
    "credentials_path": "credentials_path",
    "project_id": "project_id",
    "location": "location",
    "tools": "tools",
}
"""Keys of `config["model"]` that have an argument of their own."""

NOT_PASSED_ON = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
"""What systemd says to the caller is not for its conversations."""


class GoogleRealtimeSession:
    """Realtime conversations with Gemini Live models.

    Usage:
        >>> session = GoogleRealtimeSession(model_name="gemini-2.5-flash-native-audio-preview-12-2025")
        >>> await session.start()

    Each call of `start` is one conversation, with its own processes: what your program does meanwhile cannot disturb its
    audio. Several may run side by side.

    Attributes:
        model_name (str): The name of the language model.
        client_params (dict[str, Any]): What the Google client is made with.

    """

    def __init__(
        self,
        model_name: str,
        api_key: str | None = None,
        credentials_path: str | None = None,
        project_id: str | None = None,
        location: str = "us-central1",
        *,
        credentials_info: Mapping[str, Any] | None = None,
        tools: Sequence[Tool] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Choose the model and how it is reached.

        Args:
            model_name: The name of the model.
            api_key: A Gemini API key, for Google Gen AI. Without any credentials the variable GOOGLE_API_KEY is used.
            credentials_path: A service account's JSON file, for Vertex AI; not together with `api_key`.
            project_id: The Google Cloud project, for Vertex AI; by default the one of the service account.
            location: The location of that project.
            credentials_info: The content of a service account's file, instead of `credentials_path`.
            tools: Functions the model may call, or their names as "module:function". They run in processes of their own.
            config: Tables as in a configuration file, for example {"model": {"voice": "Kore"}, "session": {"duplex":
                "headset"}}. {"model": {"provider": "parrot"}} talks to the embedded parrot, without any key.

        Raises:
            ValueError: If credentials of both kinds are given, or anything in `config` is wrong (all of it is named).

        """
        _refuse_both(api_key, credentials_path, credentials_info)
        self.model_name = model_name
        self._api_key = api_key
        self._credentials_info = None if credentials_info is None else dict(credentials_info)
        self._tools = list(tools or [])
        self._config = _with_model(dict(config or {}), self._model(credentials_path, project_id, location))
        self._plan([], [], DEFAULT_POST_OUTPUT_AUDIO_DELAY)  # what is wrong is said here, not in the middle
        self.client_params = self._client_params(credentials_path, project_id, location)

    def __repr__(self) -> str:
        """Never show a key."""
        return f"GoogleRealtimeSession(model_name={self.model_name!r})"

    async def start(
        self,
        input_streamers: Sequence[BaseInputStreamer] | None = None,
        output_streamers: Sequence[BaseOutputStreamer] | None = None,
        post_output_audio_delay: float = DEFAULT_POST_OUTPUT_AUDIO_DELAY,
    ) -> None:
        """Run a conversation to its end.

        It ends with the quit command, with `state.set_terminated(True)`, when every input is exhausted and the last reply was
        heard, or with this call: cancel it, and everything is gone when the cancellation comes back.

        Args:
            input_streamers: What the user says comes from these; by default from a `KeyboardInputStreamer`.
            output_streamers: What the model says goes to these; by default to a `ConsoleOutputStreamer`.
            post_output_audio_delay: Seconds for which the microphone stays closed after a reply was heard.

        Raises:
            ValueError: If `input_streamers` or `output_streamers` is an empty list, or `post_output_audio_delay` not
                greater than 0.
            ConversationError: If the conversation cannot be begun, or fails; `exit_code` says how.

        """
        _refuse_empty(input_streamers, output_streamers, post_output_audio_delay)
        inputs = [KeyboardInputStreamer()] if input_streamers is None else input_streamers
        outputs = [ConsoleOutputStreamer()] if output_streamers is None else output_streamers
        planned = self._plan(inputs, outputs, post_output_audio_delay)
        environment = self._environment(planned)
        handover = Handover(planned.settings, os.getpid(), planned.has_fixed_name, self._credentials_info)
        async with TreeProcess(
            handover, environment, has_stdin=planned.has_keyboard, has_stdout=planned.has_console
        ) as tree:
            await _converse(tree, planned)
        tree.check()

    async def invoke(
        self,
        input_streamers: Sequence[BaseInputStreamer] | None = None,
        output_streamers: Sequence[BaseOutputStreamer] | None = None,
        post_output_audio_delay: float = DEFAULT_POST_OUTPUT_AUDIO_DELAY,
    ) -> None:
        """Do the same as `start`."""
        await self.start(input_streamers, output_streamers, post_output_audio_delay)

    def _plan(
        self, inputs: Sequence[BaseInputStreamer], outputs: Sequence[BaseOutputStreamer], delay_s: float
    ) -> Plan:
        planned = plan(self._config, inputs, outputs, delay_s, has_account=self._credentials_info is not None)
        try:
            encode(planned.settings)
        except TypeError as error:
            raise ValueError(f"config: takes plain values only, as in a file: {error}") from error
        return planned

    def _model(self, credentials_path: str | None, project_id: str | None, location: str) -> dict[str, Any]:
        is_vertex = credentials_path is not None or self._credentials_info is not None
        return {
            "provider": "vertex" if is_vertex else "gemini",
            "name": self.model_name,
            "credentials_path": str(credentials_path or ""),
            "project_id": project_id or "",
            "location": location,
            "tools": tool_references.references(self._tools),
        }

    def _client_params(
        self, credentials_path: str | None, project_id: str | None, location: str
    ) -> dict[str, Any]:
        if credentials_path is None and self._credentials_info is None:
            return {} if self._api_key is None else {"api_key": self._api_key}
        from actors.model.credentials import (
            service_account,
        )  # Google's library: only who needs it pays for it

        account = service_account(credentials_path or self._credentials_info or "")
        project = project_id or account.project_id
        if not project:
            raise ValueError("the service account names no project; pass project_id=…")
        return {"vertexai": True, "credentials": account, "project": project, "location": location}

    def _environment(self, planned: Plan) -> dict[str, str]:
        """Return the environment of the tree: the only way by which the key travels."""
        variable = planned.settings.model.api_key_env
        environment = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON}
        if self._api_key is not None:
            environment[variable] = self._api_key
        if planned.settings.model.provider == "gemini" and not (
            environment.get(variable) or environment.get("GEMINI_API_KEY")
        ):
            raise ConversationError(
                f"there is no key: pass api_key=…, or set the variable {variable}; "
                "config={'model': {'provider': 'parrot'}} talks to the embedded parrot without one",
                codes.BAD_CONFIG,
            )
        folders = [*_own_folder(), *(tool_references.search_path(self._tools) if self._tools else [])]
        if folders:
            environment["PYTHONPATH"] = os.pathsep.join(
                [*folders, *filter(None, [os.environ.get("PYTHONPATH")])]
            )
        return environment


async def _converse(tree: TreeProcess, planned: Plan) -> None:
    """Wait for the end of the conversation; run the caller's own streamers meanwhile."""
    if not (planned.inputs or planned.outputs):
        await tree.gone()
        return
    from actors.streamers.host import Host  # ZeroMQ: only who needs it pays for it
    from actors.streamers.sources import StreamersFailedError

    await tree.ready()
    host = Host(planned.inputs, planned.outputs, are_all=planned.are_all_inputs_ours)
    running = asyncio.create_task(host.run(tree.directory))
    gone = asyncio.create_task(tree.gone())
    try:
        await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
        host.stop()
        await running
        await gone
    except StreamersFailedError as error:
        raise ConversationError(str(error)) from error.__cause__
    finally:
        for task in (running, gone):
            task.cancel()
        await asyncio.gather(running, gone, return_exceptions=True)


def _refuse_both(
    api_key: str | None, credentials_path: str | None, credentials_info: Mapping[str, Any] | None
) -> None:
    if credentials_path is not None and credentials_info is not None:
        raise ValueError("Cannot provide both `credentials_path` and `credentials_info`.")
    if api_key is not None and (credentials_path is not None or credentials_info is not None):
        raise ValueError(
            "Cannot provide both `api_key` and `credentials_path`. Please provide `api_key` to use Google Gen AI or "
            "`credentials_path` to use Google Vertex AI."
        )


def _refuse_empty(
    inputs: Sequence[Any] | None, outputs: Sequence[Any] | None, post_output_audio_delay: float
) -> None:
    for name, streamers in (("input_streamers", inputs), ("output_streamers", outputs)):
        if streamers is not None and not streamers:
            raise ValueError(f"`{name}` cannot be an empty list.")
    if not post_output_audio_delay > 0:
        raise ValueError("`post_output_audio_delay` must be greater than 0.")


def _with_model(config: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """Put what the arguments say into the configuration. Raises `ValueError` for what is said twice."""
    given = config.get("model", {})
    if not isinstance(given, dict):
        raise ValueError("config:model: must be a dictionary")  # noqa: TRY004 - as every other problem of a configuration
    twice = [
        f"config:model.{key}: has an argument of its own, {argument}"
        for key, argument in GIVEN_AS_ARGUMENTS.items()
        if key in given
    ]
    if "post_output_audio_delay" in config.get("session", {}):
        twice.append("config:session.post_output_audio_delay: is an argument of start")
    if twice:
        raise ValueError("\n".join(twice))
    return config | {"model": model | given}


def _own_folder() -> list[str]:
    """Return where this package is found, unless every process knows that."""
    folder = Path(__file__).resolve().parents[1]
    return [] if folder.name in {"site-packages", "dist-packages"} else [str(folder)]
