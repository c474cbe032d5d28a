"""Where sample files by others are looked for. They lie beside the project and are not part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "samples"


def samples(*parts: str) -> Path:
    """A file or folder among the samples; the test that asks is skipped where there are none."""
    found = SAMPLES.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"no sample files at shared/samples/{'/'.join(parts)}")
    return found
