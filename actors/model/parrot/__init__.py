"""The parrot: a stand-in for Gemini Live on loopback. The default model, and the test kit."""
