"""`supervisor selftest`: a whole conversation with the embedded parrot, on file devices, with faults. No key, no sound card."""
