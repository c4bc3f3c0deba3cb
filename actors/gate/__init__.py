"""Actors on other machines: the only process that listens on TCP, and what makes a bad link sound good."""
