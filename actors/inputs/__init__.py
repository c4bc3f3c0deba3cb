"""From the user: voice and typed text on their way to the model."""
