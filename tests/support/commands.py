"""Commands as operators and senders give them, each a process of its own, which need not import everything anew.

They are forked from a process that has imported the program and done nothing else yet.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gateway.cli import main
from gateway.plugins import GROUP

if TYPE_CHECKING:
    from world import World

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    ["uvicorn", "gateway.cli", "gateway.api.app", "gateway.api.edge", "gateway.runtime.scheduler", "gateway.wiring"]
    + [point.module for point in entry_points(group=GROUP)]
)


def started(
    arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None, into: str | None = None
) -> ForkServerProcess:
    """``hayame ARGUMENTS``, started; what it says goes where ours goes, or into the files 1 and 2 of a folder."""
    process = _FORKING.Process(target=_run, args=(arguments, dict(environment), cwd, into), daemon=True)
    process.start()
    return process


def hayame(
    *arguments: str, environment: Mapping[str, str] = os.environ, cwd: Path | None = None
) -> CompletedProcess[str]:
    """What came of a command."""
    with TemporaryDirectory() as folder:
        process = started(arguments, environment, cwd, into=folder)
        process.join()
        said = [Path(folder, stream).read_text("utf-8") for stream in "12"]
    return CompletedProcess(arguments, process.exitcode or 0, *said)


def _run(arguments: Sequence[str], environment: dict[str, str], cwd: Path | None, into: str | None) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for stream in (1, 2) if into else ():
        os.dup2(os.open(f"{into}/{stream}", os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(cwd or ".")
    sys.path[:0] = [one for one in environment.get("PYTHONPATH", "").split(os.pathsep) if one and one not in sys.path]
    sys.argv = ["hayame", *arguments]
    main()


def environment(world: World) -> dict[str, str]:
    """The settings with which a command works on a world."""
    where = {"HAYAME_DATABASE_URL": world.database_url} if world.database_url else {}
    return os.environ | {"HAYAME_DATA_DIR": str(world.folder), "HAYAME_BASE_URL": world.base_url} | where


def command(world: World, *arguments: str) -> str:
    """What a command of the operator's says."""
    done = hayame(*arguments, environment=environment(world))
    done.check_returncode()
    return done.stdout
