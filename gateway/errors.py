"""Everything that can stop us, in one small tree, grouped by who has to act.

What is wrong with *content* is never an exception: it is a finding (``schemas/findings.py``).
A class's docstring is the message shown when no other is given. ``code`` is stable and listed in
``docs/errors.md``; ``message_ja`` is the same sentence for people who work in Japanese. No class carries
an HTTP status: ``api/problems.py`` is the only place that knows those. ``place``, where there is one, is a
``schemas.place.Place``; this module stands below the schemas and so does not name it.

    GatewayError
    ├── SenderError          the sender must change something, then try again
    │   └── AccessError      who asks may not, or cannot prove it
    ├── PeerError            somebody else is away; try later
    ├── BusyError            we push back; try later
    ├── EvidenceError        proof does not hold: stop and call a person
    ├── NotConserved         a fault of ours: nothing was taken
    └── ConfigurationError   refuse to start, naming the setting
"""

from __future__ import annotations

from typing import ClassVar, Literal

Retry = Literal["never", "after_fix", "later"]


class GatewayError(Exception):
    """Something stopped the gateway."""

    code: ClassVar[str] = "gateway.error"
    retry: ClassVar[Retry] = "never"
    message_ja: ClassVar[str] = "処理を続けられません。"

    def __init__(self, message: str | None = None, *, ja: str | None = None, place: object | None = None) -> None:
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.ja = ja or type(self).message_ja
        self.place = place
        super().__init__(self.message)


class SenderError(GatewayError):
    """The submission cannot be taken as it is."""

    code = "submission.invalid"
    retry = "after_fix"
    message_ja = "この提出はそのままでは受け付けられません。"


class Unreadable(SenderError):
    """The document cannot be read as the format it claims to be."""

    code = "submission.unreadable"
    message_ja = "文書を読み取れません。"


class UnknownFormat(SenderError):
    """No adapter recognises this document; name one with adapter=, or send one of the listed formats."""

    code = "submission.unknown_format"
    message_ja = "文書の形式を判別できません。adapter= で形式を指定してください。"


class TooLarge(SenderError):
    """The document is larger than the gateway takes."""

    code = "submission.too_large"
    message_ja = "文書が大きすぎます。"


class HeadersTooLarge(SenderError):
    """The request's headers are larger than 32 KiB together."""

    code = "request.headers_too_large"
    message_ja = "リクエストヘッダーが大きすぎます（合計32KiBまで）。"


class TooSlow(GatewayError):
    """The request did not arrive in time."""

    code = "request.too_slow"
    retry = "later"
    message_ja = "リクエストが時間内に届きませんでした。"


class DigestMismatch(SenderError):
    """Content-Digest does not match the bytes that arrived."""

    code = "submission.digest_mismatch"
    message_ja = "Content-Digest が受信した内容と一致しません。"


class KeyReused(SenderError):
    """This Idempotency-Key was used before with another document."""

    code = "submission.key_reused"
    message_ja = "同じ Idempotency-Key が別の文書に使われています。"


class NotFound(SenderError):
    """There is nothing here that you may see."""

    code = "request.not_found"
    message_ja = "該当するものがありません。"


class Erased(NotFound):
    """This content was erased: the key that opened it was destroyed."""

    code = "content.erased"
    message_ja = "この内容は消去されました(復号鍵を破棄済み)。"


class Withdrawn(NotFound):
    """This content was withdrawn: misdirected, erased on request, past its retention, or no longer consented to."""

    code = "content.withdrawn"
    message_ja = "この内容は取り下げられました(誤送信・消去請求・保存期間満了・同意撤回)。"


class InvalidRequest(SenderError):
    """The request is not of the form this address takes."""

    code = "request.invalid"
    message_ja = "リクエストの形式が正しくありません。"


class Mistyped(InvalidRequest):
    """The pairing code is mistyped: a symbol is wrong or missing. It was not tried."""

    code = "pairing.mistyped"
    message_ja = "ペアリングコードに入力誤りがあります。試行回数には数えていません。"


class NoSuchCode(NotFound):
    """There is no such pairing code, or it is over, or it was used."""

    code = "pairing.no_such_code"
    message_ja = "このペアリングコードは存在しないか、期限切れ、または使用済みです。"


class NotAcceptable(SenderError):
    """Nothing is served here in a form that Accept allows."""

    code = "request.not_acceptable"
    message_ja = "Accept で指定された形式では提供していません。"


class AccessError(SenderError):
    """Access is refused."""

    code = "access.refused"
    message_ja = "アクセスできません。"


class NotAuthentic(AccessError):
    """The request could not be authenticated."""

    code = "access.not_authentic"
    message_ja = "リクエストを認証できません。"

    def __init__(self, reason: str = "", flaw: str | None = None) -> None:
        super().__init__()  # one message for all causes: who asks learns nothing, ``reason`` is for the log
        self.reason, self.flaw = reason, flaw  # ``flaw``: whether token or proof is at fault, as RFC 9449 names it


class NotEntitled(AccessError):
    """You are not entitled to this."""

    code = "access.not_entitled"
    message_ja = "この操作を行う権限がありません。"


class NotPaired(NotEntitled):
    """No valid consent covers this: have the firm enter a pairing code from its corporation or bank."""

    code = "access.not_paired"
    message_ja = (
        "この内容について有効な同意がありません。協会または金融機関のペアリングコードを入力してもらってください。"
    )


class PeerError(GatewayError):
    """Another party cannot be reached; try again later."""

    code = "peer.away"
    retry = "later"
    message_ja = "相手先に接続できません。しばらくしてから再試行してください。"


class BusyError(GatewayError):
    """The gateway is busy; try again later."""

    code = "gateway.busy"
    retry = "later"
    message_ja = "混み合っています。しばらくしてから再試行してください。"


class TooManyRequests(BusyError):
    """Too many requests; Retry-After says when to go on."""

    code = "request.too_many"
    message_ja = "リクエストが多すぎます。Retry-After の秒数を待って再試行してください。"

    def __init__(self, policy: str, wait_s: float, told: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__()
        self.policy, self.wait_s, self.told = policy, wait_s, told  # ``told``: fields of the answer


class LogSuspended(BusyError):
    """The log of this corporation does not hold all that was signed for it; nothing is signed until that is settled."""

    code = "log.suspended"
    message_ja = "この協会のログに、署名済みの記録との相違が見つかりました。確認が済むまで受付を停止します。"


class Unstamped(BusyError):
    """Entries have waited too long for a time stamp by a third party; nothing new is taken until they have one."""

    code = "log.unstamped"
    message_ja = (
        "第三者のタイムスタンプを長時間取得できていないため、取得できるまで新たな受付を停止しています(閲覧は可能)。"
    )


class EvidenceError(GatewayError):
    """Evidence does not hold."""

    code = "evidence.broken"
    message_ja = "証拠を検証できません。"


class SignatureMismatch(EvidenceError):
    """A signature does not match what it is said to sign."""

    code = "evidence.signature"
    message_ja = "署名が一致しません。"


class LogForked(EvidenceError):
    """Two histories of one log cannot both be true."""

    code = "evidence.forked"
    message_ja = "ログの履歴が矛盾しています。"


class EntryMissing(EvidenceError):
    """An entry is not in the log it is said to be in."""

    code = "evidence.missing"
    message_ja = "ログに該当の記録がありません。"


class NotConserved(GatewayError):
    """Mapping the accounts would have changed a sum: a fault of the gateway, not of the document. Nothing was taken."""

    code = "gateway.not_conserved"
    message_ja = "勘定科目の対応付けで合計額が変わるため、受け付けていません。文書ではなく当方の不具合です。"


class ConfigurationError(GatewayError):
    """The gateway is not configured so that it could start."""

    code = "gateway.configuration"
    message_ja = "設定に誤りがあるため起動できません。"
