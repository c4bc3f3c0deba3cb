"""To the user: what the model says, as sound and as text."""
