"""The eight steps of the line, one verb per file; ``pipeline.py`` puts them in order."""
