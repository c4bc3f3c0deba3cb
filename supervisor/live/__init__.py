"""`supervisor status --watch` at a terminal: one screen that is painted anew, and leaves no trace. The only home of rich."""
