"""Through Gemini Live: the session actor, the SDK, the parrot."""
