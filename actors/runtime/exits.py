"""How an actor ends, as its supervisor understands it (the numbers are those of sysexits.h)."""

DONE = 0
USAGE = 64
DEVICE_ABSENT = 69
CRASH = 70
TEMPORARY = 75
DENIED = 77
BAD_CONFIG = 78

WORDS = {
    DONE: "ended",
    USAGE: "was started wrongly",
    DEVICE_ABSENT: "device absent",
    CRASH: "crashed",
    TEMPORARY: "temporary failure",
    DENIED: "credentials refused",
    BAD_CONFIG: "bad configuration",
}


class ActorExit(Exception):  # noqa: N818 - a way out, not always an error
    """End this actor with an exit code and one line that says whose fault it is and what to do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
