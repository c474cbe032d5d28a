"""What the rules found: data, never exceptions; complete, sealed by digest, rendered when read."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from gateway.schemas.place import Place


class Severity(StrEnum):
    """What a finding does to its record."""

    REFUSE = "refuse"  # the record goes back to the sender
    HOLD = "hold"  # the record waits until the gateway can place it
    WARN = "warn"  # the record goes in and says so
    INFO = "info"  # the record goes in


class Finding(BaseModel):
    """One result of one rule.

    ``record`` is the ordinal of the record in the source (0-based; None: the document as a whole).
    ``params`` fill the rule's message templates; they hold what the clerk must see (an account's name, the
    expected and the found figure), never a My Number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    record: int | None = None
    place: Place = Place()
    field: str | None = None
    params: dict[str, str | int] = {}


class Verdict(StrEnum):
    """The outcome of one statement as a whole."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_FINDINGS = "accepted_with_findings"
    HELD = "held"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Counts(BaseModel):
    """How many records went which way; the four add up to the records read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accepted: int = 0
    unchanged: int = 0
    held: int = 0
    refused: int = 0

    @property
    def records(self) -> int:
        """All records of the statement."""
        return self.accepted + self.unchanged + self.held + self.refused

    def verdict(self, findings: bool) -> Verdict:
        """The one word that says what happened, worst outcome of an otherwise empty statement first.

        Args:
            findings: whether any finding was made at all.
        """
        if self.accepted:
            return Verdict.ACCEPTED_WITH_FINDINGS if findings else Verdict.ACCEPTED
        if self.held:
            return Verdict.HELD
        if self.unchanged:
            return Verdict.UNCHANGED
        return Verdict.REFUSED
