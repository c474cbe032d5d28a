"""The lists that rules may look in; either may be absent, and then the rules that need it are not run."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.reference.corporations import Corporations
from gateway.reference.institutions import Institutions


@dataclass(frozen=True, slots=True)
class Lists:
    """What is there at one moment; a document is judged by the same lists from its first record to its last."""

    institutions: Institutions | None = None
    corporations: Corporations | None = None


NO_LISTS = Lists()


def no_lists() -> Lists:
    """What a line looks in where the operator keeps nothing."""
    return NO_LISTS
