"""The one way in which the service says no: it closes the WebSocket with a code and a reason."""

MAX_REASON_BYTES = 123
INVALID = 1007
POLICY = 1008
INTERNAL = 1011


class Refusal(Exception):  # noqa: N818  it is what the client is told, not a fault of ours
    """Close the connection with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = fit(reason)


def fit(reason: str) -> str:
    """Return the reason cut to what a close frame can carry."""
    return reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def invalid_argument() -> Refusal:
    """Return the service's catch-all for a bad request."""
    return Refusal(INVALID, "Request contains an invalid argument.")


def unknown_name(name: str, where: str) -> Refusal:
    """Return the refusal of a field that the message `where` (a dotted path, empty = the top) does not have."""
    at = f" at '{where}'" if where else ""
    return Refusal(INVALID, f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')


def session_not_found() -> Refusal:
    """Return the refusal of a resumption handle that is unknown or too old."""
    return Refusal(POLICY, "BidiGenerateContent session not found")
