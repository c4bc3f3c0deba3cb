"""Actors on other machines: pairing them, and what a configuration may ask of them."""
