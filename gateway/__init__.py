"""Hayame (早め): timely, validated and verifiable data for credit guarantee corporations.

Start with ``pipeline.py``: it is the line every submission travels, in order.
"""

__version__ = "0.1.0"
