"""Rules over what bank and corporation say of their dealings with a firm: that answers, states and reasons agree."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.formats.money import interval
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records.answer import Answer
from gateway.schemas.records.approach import Approach
from gateway.schemas.records.subject_profile import SubjectProfile
from gateway.schemas.records.support_record import SupportRecord


@document_rule(
    "K01",
    "approach",
    Severity.WARN,
    Words(
        ja="事業者の回答（{answer}）と、{field}の記載が合いません。",
        en="The firm's answer ({answer}) does not go with what stands in {field}.",
        remedy_ja="回答、辞退の理由、受け入れた支援を確認してください。",
        remedy_en="Check the answer, the reasons for declining and what was accepted.",
    ),
    "experience",
)
def the_answer_to_an_approach_is_one(approach: Approach) -> Iterator[Hit]:
    """Who accepted gives no reason for declining, and who declined accepted nothing.

    *Because* why firms decline is counted, to find how to approach the next one.
    *Accepts* declined because self-reliant; accepted 専門家派遣; no answer yet, and neither.
    *Finds* accepted, with 余力がない as a reason for declining; declined, with 専門家派遣 accepted.
    *Remedy* correct the answer or what contradicts it.
    *Source* experience.
    """
    answer = f"approach.answer.{approach.answer}"
    if approach.decline_reasons and approach.answer in ("accepted", "not_met"):
        yield Hit("/decline_reasons", {"answer": answer, "field": "approach.decline_reasons"})
    if approach.accepted and approach.answer in ("declined", "not_met"):
        yield Hit("/accepted", {"answer": answer, "field": "approach.accepted"})


@document_rule(
    "K02",
    "support_record",
    Severity.WARN,
    Words(
        ja="支援の状態（{state}）と、{field}の記載が合いません。",
        en="The state of the support ({state}) does not go with what stands in {field}.",
        remedy_ja="状態、終了日、成果を確認してください。",
        remedy_en="Check the state, the last day and the outcome.",
    ),
    "experience",
)
def support_that_is_over_has_an_end(support: SupportRecord) -> Iterator[Hit]:
    """Support that has not begun, or goes on, has no last day; what has not begun has no outcome.

    *Because* outcomes are counted by the support that led to them.
    *Accepts* completed 2026-03-31, improved; ongoing with an outcome so far; completed, and the day not known.
    *Finds* ongoing with a last day; planned, and improved.
    *Remedy* correct the state, or what contradicts it.
    *Source* experience.
    """
    state = f"support_record.state.{support.state}"
    if support.ended_on is not None and support.state in ("planned", "ongoing"):
        yield Hit("/ended_on", {"state": state, "field": "support_record.ended_on"})
    if support.outcome not in ("unknown", "declined") and support.state == "planned":
        yield Hit("/outcome", {"state": state, "field": "support_record.outcome"})


@document_rule(
    "K03",
    "support_record",
    Severity.WARN,
    Words(
        ja="事業者の負担額（{share:,} 円）が費用の総額（{cost:,} 円）を上回っています。",
        en="The firm's share ({share:,} yen) is more than the whole cost ({cost:,} yen).",
        remedy_ja="費用の総額と事業者の負担額を確認してください。",
        remedy_en="Check the whole cost and the firm's share of it.",
    ),
    "arithmetic",
)
def a_share_is_no_more_than_the_whole(support: SupportRecord) -> Iterator[Hit]:
    """What the firm pays of the cost of its support is no more than all of it.

    *Because* cost is among the reasons why firms decline, and a slip of a digit would be quoted to the next one.
    *Accepts* 総額 30万円, 負担 10万円; both equal; one of them not stated.
    *Finds* 総額 30万円, 負担 100万円.
    *Remedy* correct the amount that is wrong.
    *Source* arithmetic.
    """
    cost, share = support.cost_yen, support.firm_share_yen
    if cost is None or share is None:
        return
    whole, part = (interval(each, support.unit, support.rounding) for each in (cost, share))
    if part.low > whole.high:
        yield Hit("/firm_share_yen", {"share": share, "cost": cost})


@document_rule(
    "K04",
    "subject_profile",
    Severity.REFUSE,
    Words(
        ja="代表者の生年に、提供の根拠が記載されていません。",
        en="The representative's year of birth is stated without the ground on which it may be told.",
        remedy_ja="同意・公的な登記等・契約のいずれによるかを記載するか、生年を削除してください。",
        remedy_en="Say whether by consent, a public register or a contract, or leave the year out.",
    ),
    "domain note 12; 個人情報の保護に関する法律 27条",
)
def a_year_of_birth_has_its_ground(profile: SubjectProfile) -> Iterator[Hit]:
    """A year of birth comes with the ground on which it may be told to a corporation.

    *Because* the firm's figures are not personal data, but its representative's age is.
    *Accepts* 1961 by consent; no year.
    *Finds* 1961 and no ground (refused).
    *Remedy* state the ground, or leave the year out.
    *Source* domain note 12.
    """
    person = profile.representative
    if person.birth_year is not None and person.birth_year_ground is None:
        yield Hit("/representative/birth_year")


@document_rule(
    "K05",
    "answer",
    Severity.WARN,
    Words(
        ja="「回答済み」とされていますが、回答の内容がありません。",
        en="The inquiry is said to be answered, but there is no answer.",
        remedy_ja="回答の文章か数字を記載するか、回答できない旨を選択してください。",
        remedy_en="Write the answer or its figures, or say that there is none to give.",
    ),
    "experience",
)
def an_answer_says_something(answer: Answer) -> Iterator[Hit]:
    """Who answers says something: in words, in figures, or by an attachment.

    *Because* an empty answer closes the inquiry, and has to be asked again by telephone.
    *Accepts* a sentence; one figure; an attached statement of account; 回答できない without either.
    *Finds* 回答済み with none of them.
    *Remedy* write the answer.
    *Source* experience.
    """
    said = (answer.reply or "").strip() or answer.figures or answer.attachments_sha256
    if answer.state == "answered" and not said:
        yield Hit("/reply")
