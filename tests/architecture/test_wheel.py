"""What is installed from the built package is whole."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from project_files import ROOT, project_files

BUILD = [
    sys.executable,
    "-m",
    "pip",
    "--quiet",
    "wheel",
    "--no-deps",
    "--no-build-isolation",
    "--disable-pip-version-check",
]


@pytest.mark.slow
def test_the_wheel_carries_every_file_the_gateway_reads(tmp_path: Path) -> None:
    subprocess.run([*BUILD, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, stdin=subprocess.DEVNULL)
    [wheel] = tmp_path.glob("hayame-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    needed = {path.as_posix() for path in project_files() if path.parts[0] in {"gateway", "mocks"}}
    assert sorted(needed - carried) == []
