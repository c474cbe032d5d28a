"""What the agent says of a file: one line on the console, a page beside the file. 日本語 first, then English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.client import Outcome, Refusal

VERDICTS = {
    "accepted": ("受け付けました", "accepted"),
    "accepted_with_findings": ("受け付けました(指摘があります)", "accepted, with findings"),
    "unchanged": ("受け付けました(前回と同じ内容です)", "taken; nothing new in it"),
    "held": ("受け付けました(確認待ちです)", "taken; waits to be placed"),
    "refused": ("受け付けられませんでした", "refused"),
}
MENDED = (
    "「返戻-」の付いたファイルに、直していただく記録だけが入っています。直して、もとのフォルダーに入れてください。",
    "The file whose name begins with 返戻- holds only what has to be mended. Mend it and drop it into the folder.",
)
NOT_NEEDED = ("何もする必要はありません。", "Nothing to do.")
DROPPED_AGAIN = ("直してから、もとのフォルダーに入れ直してください。", "Mend it, then drop it into the folder again.")
WAITING = ("つながり次第、自動で送ります。", "It will be sent by itself as soon as that is possible.")
IN_DOUBT = (
    "一度送信しましたが、結果を確認できないまま期限が過ぎました。二重に届かないよう自動の再送を止めています。"
    "受付済みかどうかを協会の窓口に確認してください。",
    "It was sent once, and what came of it could not be learned in time. So that nothing arrives twice it is not sent "
    "again by itself; ask the operator of the gateway whether it arrived.",
)
CHANGED = (
    "送信中のファイルが書き換えられました。最初に送った内容の結果は窓口に確認してください。",
    "The file was altered while it was being sent. Ask the operator of the gateway what came of what was sent first.",
)
NOT_A_GATEWAY = (
    "ゲートウェイではないところから応答がありました。ネットワークの接続を確認してください。",
    "what answered is no gateway: check the connection to the network",
)
TOO_LARGE = ("ファイルが大きすぎます。", "The file is too large.")
FINDINGS_SHOWN = 20


def verdict_of(outcome: Outcome) -> tuple[str, str]:
    """What became of a document; where only some of it came back, that too."""
    ja, en = VERDICTS.get(outcome.verdict or "", ("処理が終わりました", "done"))
    refused = outcome.counts["refused"]
    if refused and outcome.verdict != "refused":
        return f"{ja} うち{refused:,}件は差戻しです", f"{en}; {refused:,} came back"
    return ja, en


def problem_of(refusal: Refusal) -> tuple[str, str]:
    """Why a request was not taken."""
    said = refusal.problem
    en = said.get("detail") or said.get("error_description") or said.get("title") or said.get("error") or ""
    if refusal.status == 401:
        ja = "認証できません。クライアント ID、鍵、パソコンの時計を確認してください。"
        return ja, f"not authenticated ({en}): check the client id, the key, and this machine's clock"
    return str(said.get("detail_ja") or Refusal.message_ja), f"{refusal.status} {en}"


def line(name: str, said: tuple[str, str]) -> str:
    """One line for the console."""
    return f"{name}: {said[0]} / {said[1]}"


def page(name: str, said: tuple[str, str], todo: tuple[str, str], more: Iterable[str] = ()) -> bytes:
    """The page beside a file: what became of it, what to do, and details; a text that every editor opens."""
    lines = [name, "", f"結果: {said[0]}", f"Result: {said[1]}", ""]
    lines += [f"次にすること: {todo[0]}", f"What to do: {todo[1]}"]
    details = list(more)
    lines += ["", *details] if details else []
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def details(outcome: Outcome, verified: bool) -> list[str]:
    """Number, counts, receipts and the first findings of an outcome."""
    counts = outcome.counts
    statements = outcome.body.get("statements", ())
    leaves = ", ".join(f"{one['recipient']}/{one['leaf_index']}" for one in statements)
    checked = "署名を確認しました / signature verified" if verified else "署名は未確認です / signature not verified"
    return [
        f"提出番号 / submission: {outcome.submission}",
        f"受付 / accepted {counts['accepted']:,}  変更なし / unchanged {counts['unchanged']:,}  "
        f"確認待ち / held {counts['held']:,}  差戻し / refused {counts['refused']:,}",
        f"受領証 / receipt: {leaves} ({checked})",
        *_found(outcome),
    ]


def _found(outcome: Outcome) -> list[str]:
    total = int(outcome.body.get("findings_count", 0))
    lines = ["", f"指摘 / findings: {total:,}"] if total else []
    for finding in outcome.findings[:FINDINGS_SHOWN]:
        lines += _told(finding)
    return lines + ([f"… ほか {total - FINDINGS_SHOWN:,} 件 / and more"] if total > FINDINGS_SHOWN else [])


def _told(finding: Mapping[str, Any]) -> list[str]:
    place = finding.get("place_ja", "")
    return [
        f"[{finding['severity']}] {finding['code']} {place}: {finding['message_ja']} {finding.get('remedy_ja', '')}",
        f"    {finding['message_en']} {finding.get('remedy_en', '')}",
    ]
