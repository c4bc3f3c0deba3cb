"""The only door to sound and terminal hardware."""
