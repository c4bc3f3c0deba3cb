"""A caller's own streamers: in the caller's process, on both stars of a conversation."""
