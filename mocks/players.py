"""The processes of the demo: a server, the command line, and programs whose lines are shown as they speak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from gateway.security.keys import SigningKey
from mocks.program import Surprise, expect, say

PATIENCE_S = 120.0
READY = "ready"
COMMAND_LINE = """
import json, sys
from gateway.cli import app
for arguments in json.loads(sys.argv[1]):
    app(arguments, standalone_mode=False)
"""


class Participant(NamedTuple):
    """Somebody to enrol: id, kind, name, bank code, and what it may do."""

    id: str
    kind: str
    name: str
    institution: str
    may: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """Where everything happens: a folder for data, keys and files, the server's address, and the clock."""

    folder: Path
    url: str
    began: float

    def __post_init__(self) -> None:
        for folder in (self.keys, self.out):
            folder.mkdir(parents=True)

    @property
    def keys(self) -> Path:
        """Where private keys are kept."""
        return self.folder / "keys"

    @property
    def reference(self) -> Path:
        """Where the operator's lists lie."""
        return self.folder / "reference"

    @property
    def out(self) -> Path:
        """Where programs write what they keep."""
        return self.folder / "out"

    def environment(self) -> dict[str, str]:
        """The environment of every process: our settings and nobody else's, output as it comes."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("HAYAME_")}
        ours = {"HAYAME_DATA_DIR": str(self.folder / "gateway"), "HAYAME_BASE_URL": self.url, "PYTHONUTF8": "1"}
        return others | ours | {"HAYAME_REFERENCE_DATA": str(self.reference)}

    def say(self, who: str, text: str) -> None:
        """A line of progress: when, who, what."""
        say(f"{time.monotonic() - self.began:5.1f}s {who:<9} │ {text}")

    def enrol(self, participants: Sequence[Participant]) -> None:
        """Make a key for each participant and enrol it with the command line.

        Raises:
            Surprise: it failed.
        """
        self.hayame(*(self._enrolment(one) for one in participants))

    def _enrolment(self, one: Participant) -> list[str]:
        key, public = SigningKey.generate(), self.keys / f"{one.id}.jwk"
        key.save(self.keys / f"{one.id}.pem")
        public.write_bytes(orjson.dumps(key.public.jwk()))
        may = [text for grant in one.may for text in ("--may", grant)]
        named = [one.id, one.kind, one.name, "--institution", one.institution, "--key", str(public)]
        return ["participants", "enrol", *named, *may]

    def hayame(self, *commands: Sequence[str]) -> None:
        """Run commands of the command line, one after the other in one process: starting one takes a second or two.

        Raises:
            Surprise: one of them failed.
        """
        command = [sys.executable, "-c", COMMAND_LINE, json.dumps(commands)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=PATIENCE_S)  # noqa: S603 - our own command
        expect(done.returncode, 0, f"hayame: {done.stderr.strip()}")
        for line in done.stdout.splitlines():
            self.say("hayame", line)


class Server:
    """The gateway, as an operator would start it."""

    def __init__(self, stage: Stage, keep: bool) -> None:
        self._stage, self._keep = stage, keep
        self._log = stage.folder / "server.log"
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "gateway", "serve"]
            self._process = subprocess.Popen(  # noqa: S603 - our own programs
                command,
                env=stage.environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return once it answers; keep its public keys for whoever verifies later.

        Raises:
            Surprise: it does not start.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self._stage.url}/.well-known/jwks.json", timeout=5) as answer:  # noqa: S310 - loopback
                    (self._stage.out / "gateway.jwks").write_bytes(answer.read())
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise Surprise(f"the server did not start: {self._log.read_text('utf-8', 'replace')[-2_000:]}")

    def close(self) -> None:
        """Stop it, unless it is to run on and nothing went wrong."""
        if self._keep and sys.exc_info()[0] is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Player:
    """A program of its own, whose lines are shown as they come."""

    def __init__(self, stage: Stage, name: str, module: str, arguments: Sequence[str]) -> None:
        self.name, self._stage = name, stage
        where = ("--url", stage.url, "--keys", str(stage.keys), "--out", str(stage.out))
        self._process = subprocess.Popen(  # noqa: S603 - our own programs
            [sys.executable, "-m", module, name, *where, *arguments],
            env=stage.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._spoken = threading.Event()
        self._is_ready = False
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            if line.strip() == READY:
                self._is_ready = True
                self._spoken.set()
            else:
                self._stage.say(self.name, line.rstrip())
        self._spoken.set()

    def wait_until_ready(self) -> None:
        """Return once it said so.

        Raises:
            Surprise: it ended instead, or takes too long.
        """
        self._spoken.wait(PATIENCE_S)
        expect(self._is_ready, True, f"{self.name}: ready")

    def finish(self) -> None:
        """Close its standard input and wait for its end.

        Raises:
            Surprise: its status is not 0.
        """
        if self._process.stdin is not None:
            self._process.stdin.close()
        status = self._process.wait(timeout=PATIENCE_S)
        self._listening.join(timeout=5)
        expect(status, 0, f"{self.name}: exit status")

    def close(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=20)
