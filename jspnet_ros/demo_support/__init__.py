"""The processes, the listener and the report of the demo."""
