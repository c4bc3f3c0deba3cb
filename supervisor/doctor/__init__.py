"""`supervisor doctor`: what keeps a conversation from working on this machine, and what to do about it."""
