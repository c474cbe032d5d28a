"""What a round must prove before its figures count: nothing promised is missing, doubled or unproven."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from bench.fixtures import READER, World
from bench.load import Answer
from bench.servers import Server
from gateway.client import Client, FollowedLine, Following
from gateway.security.keys import KeyRing
from gateway.security.signing import open_receipt
from gateway.settings import Settings
from mocks.tapes import CORPORATION


class Disproved(Exception):
    """The server did not do what it acknowledged; its speed is of no interest."""


def prove_submissions(server: Server, world: World, answers: Sequence[Answer]) -> None:
    """Every submission was answered 201 with a valid receipt, and the feed proves one line for each and no other.

    Raises:
        Disproved: one of these does not hold.
        GatewayError: receipts, log or feed contradict each other.
    """
    refused = [answer for answer in answers if answer.status != 201]
    if refused:
        first = f"{refused[0].status} {refused[0].body[:300]!r}"
        raise Disproved(f"{len(refused)} of {len(answers)} were not accepted: {first}")
    with Client(server.base_url, READER, world.reader, tls=server.tls) as tool:
        keys = tool.gateway_keys()
        _check_receipts([orjson.loads(answer.body) for answer in answers], keys)
        lines = prove_feed(tool, keys)
    if sorted(str(line.submission) for line in lines) != sorted(str(answer.submission) for answer in answers):
        raise Disproved(f"{len(answers)} submissions were accepted, but the feed has {len(lines)} lines, or others")


def prove_feed(tool: Client, keys: KeyRing) -> list[FollowedLine]:
    """All lines of the feed, each proven against its receipt and the signed log, without a gap.

    Raises:
        Disproved: a position is missing.
        GatewayError: something was withheld, altered or forked.
    """
    following = Following(tool, CORPORATION, keys, Settings().log_name)
    lines: list[FollowedLine] = []
    while more := following.fetch():
        lines += more
    _check_gapless("positions", (line.position for line in lines))
    return lines


def _check_receipts(outcomes: Iterable[dict[str, Any]], keys: KeyRing) -> None:
    leaves = []
    for outcome in outcomes:
        [given] = outcome["statements"]
        statement = orjson.loads(open_receipt(given["receipt"], keys))
        if statement["submission"] != outcome["submission"] or statement["counts"]["accepted"] != 1:
            raise Disproved(f"the receipt of {outcome['submission']} says something else")
        leaves.append(statement["leaf_index"])
    _check_gapless("receipts", sorted(leaves))


def _check_gapless(what: str, numbers: Iterable[int]) -> None:
    found = list(numbers)
    if found != list(range(len(found))):
        raise Disproved(f"the {what} are not numbered 0 to {len(found) - 1} without gap")
