"""Take in the cosignature of a witness: only of a checkpoint that this gateway signed, only by a registered key."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from gateway.errors import EvidenceError, InvalidRequest, NotFound
from gateway.registers.participants import Participant
from gateway.security.checkpoints import Checkpoint, open_checkpoint, parted_note
from gateway.security.cosignatures import Cosignature, Witness, find_cosignatures
from gateway.security.keys import ED25519, KeyRing
from gateway.store import log
from gateway.store.cosignatures import Cosigned, add_cosignature, find_cosigned
from gateway.store.engine import Database, Session

LOGGER = logging.getLogger("hayame.log")
AHEAD = timedelta(minutes=5)  # how far a witness's clock may be ahead of ours


def take_cosignature(
    database: Database, recipient: str, note: str, witness: Participant, given: tuple[KeyRing, datetime]
) -> Cosigned:
    """Keep a witness's cosignature; the same again, or a later one of the same checkpoint, changes nothing.

    Args:
        database: where the logs are.
        recipient: whose log it is.
        note: the checkpoint as it was served, with the witness's line added.
        witness: who hands it in; its line goes by its participant id.
        given: our own public keys, and the present.

    Raises:
        InvalidRequest: it is not a checkpoint that we signed, or not cosigned by a key registered for the witness, or
            of a time to come.
        NotFound: our log does not have this checkpoint.
    """
    own_keys, now = given
    try:
        checkpoint, cosignature = open_checkpoint(note, own_keys), _own_line(note, witness)
    except EvidenceError as error:
        raise InvalidRequest(error.message, ja=error.ja) from error
    if cosignature.at > now + AHEAD:
        raise InvalidRequest("the cosignature is of a time to come", ja="立会署名の時刻が未来になっています。")
    with database.read() as session:
        _require_ours(session, recipient, checkpoint, note)
        known = find_cosigned(session, recipient, checkpoint.size, witness.id)
    if known is not None:
        return known
    with database.write() as session:
        made = Cosigned(checkpoint.size, cosignature.witness, cosignature.at)
        add_cosignature(session, recipient, made, cosignature.line)
        return find_cosigned(session, recipient, checkpoint.size, cosignature.witness) or made


def _own_line(note: str, witness: Participant) -> Cosignature:
    keys = [Witness(witness.id, key) for key in witness.keys if key.algorithm is ED25519]
    found = find_cosignatures(note, keys)
    if not found:
        raise EvidenceError(
            "no line of the note is by a key that is registered for you",
            ja="登録された鍵による立会署名がありません。",
        )
    return found[0]


def _require_ours(session: Session, recipient: str, checkpoint: Checkpoint, note: str) -> None:
    """That the log has this checkpoint; one that we signed and have not shows that the log was put back."""
    found = log.find_checkpoint(session, recipient, checkpoint.size)
    if found is not None and parted_note(found[1])[0] == parted_note(note)[0]:
        return
    if checkpoint.origin.endswith(f"/recipients/{recipient}"):
        LOGGER.error("a witness shows a checkpoint of %s that we signed and do not have", checkpoint.origin)
    raise NotFound("this log has no such checkpoint", ja="このログにそのチェックポイントはありません。")
