"""What all connections of one parrot have in common."""

from typing import NamedTuple

from actors.model.parrot.conversation import Handles
from actors.model.parrot.door import Credentials
from actors.model.parrot.journal import Journal
from actors.model.parrot.options import ParrotOptions
from actors.model.parrot.script import Script
from actors.model.parrot.speech import Speech


class Shared(NamedTuple):
    """One parrot's settings and memory."""

    options: ParrotOptions
    credentials: Credentials
    journal: Journal
    script: Script
    handles: Handles
    speech: Speech
