"""One source format per file, pure: bytes in, records out. Nothing else lives here."""
