"""Commands that an operator gives on the gateway's machine while it runs."""

from __future__ import annotations

import os
import subprocess
import sys

from world import World


def environment(world: World) -> dict[str, str]:
    """The settings with which a command works on a world."""
    where = {"HAYAME_DATABASE_URL": world.database_url} if world.database_url else {}
    return os.environ | {"HAYAME_DATA_DIR": str(world.folder)} | where


def command(world: World, *arguments: str) -> str:
    """What a command says."""
    asked = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(asked, env=environment(world), check=True, capture_output=True, text=True).stdout
