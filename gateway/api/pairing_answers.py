"""The shapes of what is answered about pairing codes; see ``answers.py`` for all others."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from gateway.api.answers import Answer
from gateway.schemas.consent import DataClass, Purpose


class PairingOffered(Answer):
    """A code for a firm to enter in its accounting software; ``offer`` names it in the registers' log."""

    code: str = Field(examples=["H7QK2-9TDMA-X0V4R-ZB3NE"])
    offer: str
    expires_at: str


class NamedRecipient(Answer):
    """Who will get the data."""

    recipient: str = Field(examples=["13"])
    name: str


class PairingPreview(Answer):
    """What a code offers: the text to show before anybody agrees, and what that says."""

    text_version: str
    text: str
    text_sha256: str
    recipients: list[NamedRecipient]
    data_classes: list[DataClass]
    purposes: list[Purpose]
    valid_days: int
    expires_at: str


class Paired(Answer):
    """A tenant that is paired, and the consent that this rests on. Nothing about the firm is told beyond that."""

    tenant: str
    consent: str
    recipients: list[str]
    data_classes: list[DataClass]
    valid_from: date
    valid_to: date | None
