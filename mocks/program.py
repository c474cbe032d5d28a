"""What every double is as a program: its arguments, its key, what it says, and that it ends with a status that is true.

A program prints a line for everything it did, keeps the receipts it was given, and stops at the first thing that is
not as expected, with status 1.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from gateway.client import Client, Outcome
from gateway.errors import GatewayError
from gateway.security.keys import KeyRing, SigningKey
from mocks.people import Portfolio, half_year_before, portfolio


class Surprise(Exception):
    """Something did not happen as it should."""


def expect(actual: Any, expected: Any, what: str) -> None:
    """Stop where what came is not what should have come.

    Raises:
        Surprise: the two differ.
    """
    if actual != expected:
        raise Surprise(f"{what}: expected {expected}, got {actual}")


def say(text: str) -> None:
    """A line of progress, seen at once and whole, whichever thread says it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def arguments(purpose: str) -> argparse.ArgumentParser:
    """The arguments that every program takes."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("id", help="its participant id")
    parser.add_argument("--url", required=True, help="the gateway's address")
    parser.add_argument("--keys", type=Path, required=True, help="folder with its private key, ID.pem")
    parser.add_argument("--out", type=Path, required=True, help="folder for what it keeps: receipts, evidence")
    parser.add_argument("--seed", type=int, default=1, help="which synthetic world")
    parser.add_argument("--as-of", type=date.fromisoformat, default=half_year_before(date.today()))  # noqa: DTZ011 - a clerk's day
    return parser


def world(parser: argparse.ArgumentParser) -> None:
    """The further arguments of a program that takes part in the synthetic world."""
    parser.add_argument("--bank", default="9991", help="the bank whose guarantees this is about")
    parser.add_argument("--recipient", default="13", help="the corporation they are with")
    parser.add_argument("--loans", type=int, default=10_000, help="how many there are")


@dataclass
class Program:
    """A running double: its connection, and the receipts it was given."""

    asked: argparse.Namespace
    receipts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.connect()
        self.gateway_keys: KeyRing = self.client.gateway_keys()

    def connect(self) -> Client:
        """A connection of its own; one for each thread."""
        return Client(self.asked.url, self.asked.id, SigningKey.load(self.asked.keys / f"{self.asked.id}.pem"))

    def portfolio(self) -> Portfolio:
        """The part of the world it takes part in."""
        asked = self.asked
        return portfolio(asked.seed, asked.bank, asked.recipient, asked.loans, asked.as_of)

    def submit(self, document: bytes, **more: Any) -> Outcome:
        """Hand over a document, wait for its outcome, verify and keep its receipts."""
        outcome = self.client.submit_and_wait(document, **more)
        for receipt in outcome.receipts:
            self.client.check_receipt(receipt, self.gateway_keys)
            self.receipts.append(receipt)
        return outcome

    def keep_receipts(self) -> None:
        """Write the receipts to a file, one a line, if there are any."""
        if self.receipts:
            kept = "".join(receipt + "\n" for receipt in self.receipts)
            (self.asked.out / f"{self.asked.id}.receipts").write_text(kept, "ascii")


def told_to_stop() -> threading.Event:
    """Set once standard input closes, however that comes about."""
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    return stop


def run(parser: argparse.ArgumentParser, work: Callable[[Program], None]) -> NoReturn:
    """Do a program's work and end with a status that says whether all of it went as expected."""
    try:
        program = Program(parser.parse_args())
        work(program)
        program.keep_receipts()
    except (Surprise, GatewayError, OSError) as problem:
        say(f"✗ {problem}")
        sys.exit(1)
    sys.exit(0)
