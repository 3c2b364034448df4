"""Cost of furnished scenes, their scans and their sensor frames."""
