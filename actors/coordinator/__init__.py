"""The owner of the conversation's shared state."""
