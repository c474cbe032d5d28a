"""A participant's own keys: replaced by the old key's word, revoked by any of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.errors import InvalidRequest, NotAuthentic
from gateway.registers.changes import Changing, Registrar
from gateway.registers.codes import Registered, add_key
from gateway.registers.participants import Participant
from gateway.schemas.identifiers import instant_text
from gateway.schemas.register_change import Authority
from gateway.security.words import REVOCATION, ROTATION, Word, read_possession, read_word
from gateway.store import registers, submissions
from gateway.store.registers import Enrolled

KEY_LIFE = timedelta(days=730)
LONGEST_OVERLAP_H = 24 * 31


def rotate(registrar: Registrar, owner: Participant, words: tuple[str, str], issuer: str, now: datetime) -> Registered:
    """Register a new key by a word of the old one, which goes on for the overlap it names, and then ends.

    ``words`` are that of the old key and the new one's proof of possession. The same new key again is answered alike.

    Raises:
        NotAuthentic: one of them does not hold, or the old key is over.
        InvalidRequest: the overlap is not one of 0 to 744 hours, or the key is another participant's, or was ended.
    """
    asked = read_word(words[0], owner.keys, ROTATION, issuer, now)
    shown = read_possession(words[1], issuer, now)
    hours = asked.claims.get("overlap_hours")
    if asked.claims.get("new_key") != shown.key.kid or shown.claims.get("for") != owner.id:
        raise NotAuthentic("the words are not about the same key of this participant")
    if type(hours) is not int or not 0 <= hours <= LONGEST_OVERLAP_H:
        raise InvalidRequest("overlap_hours is a number from 0 to 744", ja="overlap_hours は0から744です。")
    with registrar.changing() as changing:
        enrolled = said_by(changing, owner.id, asked)
        there = enrolled.keys.get(shown.key.kid)
        if there is not None:
            return _there(changing, owner.id, shown.key.kid, there[2])
        until, ends_at = changing.now + KEY_LIFE, changing.now + timedelta(hours=hours)
        add_key(changing, enrolled, shown.key, until)
        registers.end_key(changing.session, asked.key.kid, ends_at)
        what = {"key": shown.key.jwk(), "valid_until": instant_text(until), "replaces": asked.key.kid}
        by = Authority(how="old_key", by=(owner.id,), words=words)
        changing.say("key_added", [owner.id], what | {"replaced_ends_at": instant_text(ends_at)}, by)
        return Registered(owner.id, shown.key.kid, until)


def revoke(registrar: Registrar, owner: Participant, word: str, issuer: str, now: datetime) -> Registered:
    """End one of the participant's keys at once, by the word of any that is valid.

    Raises:
        NotAuthentic: the word does not hold, or its key is over.
        InvalidRequest: the participant has no such key.
    """
    asked = read_word(word, owner.keys, REVOCATION, issuer, now)
    with registrar.changing() as changing:
        said_by(changing, owner.id, asked)
        by = Authority(how="own_key", by=(owner.id,), words=(word,))
        return end_key(changing, str(asked.claims.get("revokes")), by, of=owner.id)


def end_key(changing: Changing, kid: str, by: Authority, of: str | None = None) -> Registered:
    """End a key at once; one that is over already stays over.

    Raises:
        InvalidRequest: there is no such key, or none of this participant.
    """
    found = registers.find_key(changing.session, kid)
    if found is None or of not in (None, found[0]):
        raise InvalidRequest("there is no such key", ja="その鍵は登録されていません。")
    participant, _, end = found
    if end is not None and end <= changing.now:
        return Registered(participant, kid, end)
    registers.end_key(changing.session, kid, changing.now)
    changing.say("key_ended", [participant], {"kid": kid, "ended_at": instant_text(changing.now)}, by)
    return Registered(participant, kid, changing.now)


def said_by(changing: Changing, owner: str, word: Word) -> Enrolled:
    """The participant as it is now, whose word this is: its key is not over meanwhile, and it was not said before.

    Raises:
        NotAuthentic: otherwise.
    """
    enrolled = registers.find_enrolled(changing.session, owner)
    _, start, end = enrolled.keys.get(word.key.kid, ("", changing.now, changing.now)) if enrolled else ("", None, None)
    if enrolled is None or start is None or not (start <= changing.now and (end is None or changing.now < end)):
        raise NotAuthentic("the key that said so is over")
    if not submissions.claim_assertion(changing.session, f"word:{owner}", word.jti, word.expires_at):
        raise NotAuthentic("the word was used before")
    return enrolled


def _there(changing: Changing, owner: str, kid: str, end: datetime | None) -> Registered:
    if end is not None and end <= changing.now:
        raise InvalidRequest("this key was ended", ja="この鍵は失効しています。")
    return Registered(owner, kid, end)
