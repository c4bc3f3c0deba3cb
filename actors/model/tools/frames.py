"""What a worker process and the tools actor say to each other: one message of ours per packet of a Unix socket pair."""

from typing import Annotated, TypeAlias

import msgspec

from actors.wire import CallTool, CancelTool, Message, Name, Text, ToolResult, ToolsOffered

MAX_PACKET_BYTES = 262_144
"""Over the largest message; what a socket buffer of Linux takes at once even where it is small is about 200 KiB."""


class Loaded(Message, frozen=True):
    """Worker -> tools: the user's modules are imported; calls can come."""

    offered: ToolsOffered
    asynchronous: Annotated[tuple[Name, ...], msgspec.Meta(max_length=128)]
    """Names of those that want an event loop."""


class Unusable(Message, frozen=True):
    """Worker -> tools: `model.tools` cannot be used, and why."""

    reason: Text


Said: TypeAlias = Loaded | Unusable | ToolResult
Order: TypeAlias = CallTool | CancelTool

encode = msgspec.msgpack.Encoder().encode
read_said: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)
read_order: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
