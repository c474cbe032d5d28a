"""The child: reads one packed document after another, with a lid on its memory and on its time.

It ends when its parent does, since then the channel closes; in the middle of a document it ends by its alarm, which no
loop outlives. It also ends when it has grown, or has read many documents: the parent starts another.
"""

from __future__ import annotations

import io
import resource
import signal
import socket
import traceback
from collections.abc import Mapping
from pathlib import Path

from gateway.confined.channel import Answer, Ended, Task, receive, send
from gateway.errors import SenderError, Unreadable
from gateway.plugins import load_adapters
from gateway.ports import Adapter

DOCUMENTS = 1_000  # then something may have leaked
GROWN_BYTES = 48 << 20  # resident and not given back, beyond what it had when it was ready
LATE_S = 1.0  # how much later than the parent's own the alarm is
STATM = Path("/proc/self/statm")


def main(memory: int) -> None:
    """Do what the parent asks over standard input, until it is gone.

    Args:
        memory: bytes of address space that a document may take.
    """
    channel = socket.socket(fileno=0)
    adapters = load_adapters()
    _limit(memory)
    ready_with = _memory(1)
    try:
        send(channel, "ready")
        for _ in range(DOCUMENTS):
            task: Task = receive(channel)
            document = io.BytesIO(receive(channel))
            signal.setitimer(signal.ITIMER_REAL, task.seconds + LATE_S)
            answer = _done(adapters, task, document)
            send(channel, answer)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if answer.fault or _memory(1) > ready_with + GROWN_BYTES:
                return
    except Ended:
        return


def _done(adapters: Mapping[str, Adapter], task: Task, document: io.BytesIO) -> Answer:
    """What a document came to."""
    found: list[object] = []
    adapter = adapters[task.adapter]
    try:
        if task.verb == "read":
            found.extend(adapter.read(document, task.hints))
        else:
            found.extend(adapter.returned(document, task.refused, task.hints))
    except SenderError as refusal:
        return Answer(found, refusal)
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is the document's, and the parent logs it
        places = "".join(traceback.format_tb(broken.__traceback__))
        return Answer([], overwhelming(), f"{places}{type(broken).__qualname__}")
    return Answer(found)


def overwhelming() -> Unreadable:
    """Why a document that broke its reader is refused, in both languages."""
    return Unreadable(
        "Reading the file took more time or memory than any form needs, or ended in an error; it may be damaged. "
        "Open and save it anew, keeping the sheets of the form only.",
        ja="ファイルの読み取りに必要な時間またはメモリが上限を超えたか、途中で失敗しました。壊れている可能性があります。"
        "開いて保存し直し、様式のシートだけを残して提出してください。",
    )


def _limit(memory: int) -> None:
    """No core files; and no more address space than now and so much, where the system tells how much it is."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if STATM.exists():
        most = _memory(0) + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _memory(which: int) -> int:
    """Bytes this process has now, of address space (0) or resident (1); 0 where the system does not tell."""
    return int(STATM.read_text().split()[which]) * resource.getpagesize() if STATM.exists() else 0
