"""The words for what adapters, registers and the gateway itself notice; found elsewhere, declared here."""

from __future__ import annotations

from gateway.rules.rule import Words, reading_rule
from gateway.schemas.findings import Severity

UNREADABLE_VALUE = reading_rule(
    "R01",
    Severity.REFUSE,
    Words(
        ja="「{field}」の値「{found}」を読み取れません。",
        en="The value '{found}' of {field} cannot be read.",
        remedy_ja="値を正しい形式（{expected}）に直してください。",
        remedy_en="Write the value as {expected}.",
    ),
    "gateway",
)
UNKNOWN_COLUMN = reading_rule(
    "R02",
    Severity.WARN,
    Words(
        ja="項目「{found}」は登録された様式にありません。内容は原本として保管しました。",
        en="Column '{found}' is not part of the known layout. Its content is kept with the raw document.",
        remedy_ja="様式が変わった場合は新しい様式をお知らせください。",
        remedy_en="Tell us the new layout if it has changed.",
    ),
    "gateway",
)
GAIJI = reading_rule(
    "V41G",
    Severity.WARN,
    Words(
        ja="外字（独自に登録された文字）が {count} か所あります。原文のまま保管しましたが、他では表示できません。",
        en="There are {count} characters of somebody's own (gaiji). They are kept as they are, but show nowhere else.",
        remedy_ja="可能であれば、標準の文字に置き換えてください。",
        remedy_en="Use standard characters where you can.",
    ),
    "domain note 6.8",
)
MISSING_VALUE = reading_rule(
    "R03",
    Severity.REFUSE,
    Words(
        ja="必須の項目「{field}」がありません。",
        en="The required value {field} is missing.",
        remedy_ja="「{field}」を記入してください。",
        remedy_en="Fill in {field}.",
    ),
    "gateway",
)
DUPLICATE_KEY = reading_rule(
    "R04",
    Severity.REFUSE,
    Words(
        ja="同じファイルの中に同じ記録（{key}）が2件以上あります。",
        en="The same record ({key}) stands in this file more than once.",
        remedy_ja="重複した行を1件にしてください。",
        remedy_en="Keep one of the duplicate rows.",
    ),
    "gateway",
)
OVERTAKEN = reading_rule(
    "S03",
    Severity.REFUSE,
    Words(
        ja="後から受け取った内容が既に公開されているため（位置 {position}）、この記録（{key}）は取り込みませんでした。",
        en="Not taken: what was received later about the same ({key}) is published already (position {position}).",
        remedy_ja="後から送った内容が正しければ、対応は不要です。こちらが正しい場合は、もう一度送ってください。",
        remedy_en="Nothing to do if what was sent later is right; if this is, send it again.",
    ),
    "house law 5",
)
SUBJECT_UNKNOWN = reading_rule(
    "S01",
    Severity.HOLD,
    Words(
        ja="事業者を特定できないため保留しました（{reference}）。",
        en="Held: the firm cannot be identified ({reference}).",
        remedy_ja="事業者の番号が登録されると、再提出なしで配信されます。subject= での指定もできます。",
        remedy_en="It is published without resubmission once someone links the number; or name the firm with subject=.",
    ),
    "house law 7",
)
NO_CONSENT = reading_rule(
    "V40",
    Severity.HOLD,
    Words(
        ja="事業者（{reference}）の有効な同意を確認できないため保留しました（データの種類・目的・提供先・日付）。",
        en="Held: no valid consent of the firm ({reference}) is known for this data, purpose, recipient and date.",
        remedy_ja="番号を確認してください。事業者の同意が登録されると、再提出なしで配信されます。",
        remedy_en="Check the number. It is published without resubmission once the consent is registered.",
    ),
    "domain note 11, V40",
)
GUARANTEE_UNKNOWN = reading_rule(
    "V05",
    Severity.HOLD,
    Words(
        ja="保証番号 {reference} は、この協会のこの金融機関の保証として登録されていないため保留しました。",
        en="Held: guarantee {reference} is not registered with this corporation for this institution.",
        remedy_ja="保証番号を確認してください。登録され次第、再提出なしで配信されます。",
        remedy_en="Check the guarantee number. It is published without resubmission once it is registered.",
    ),
    "domain note 11, V05",
)
SUBJECT_CONFLICT = reading_rule(
    "S02",
    Severity.REFUSE,
    Words(
        ja="指定された事業者（{given}）と文書内の番号（{found}）が別の事業者を指しています。",
        en="The firm named with the submission ({given}) and the document's own number ({found}) are different firms.",
        remedy_ja="どちらの番号が正しいか確認してください。",
        remedy_en="Check which of the numbers is right.",
    ),
    "house law 7",
)
OTHER_RECIPIENT = reading_rule(
    "A01",
    Severity.REFUSE,
    Words(
        ja="この記録の宛先は協会 {found} ですが、協会 {expected} あてに提出されました。",
        en="This record belongs to corporation {found} but was submitted to {expected}.",
        remedy_ja="宛先の協会に提出してください。",
        remedy_en="Submit it to the corporation it belongs to.",
    ),
    "gateway",
)
OTHER_INSTITUTION = reading_rule(
    "A02",
    Severity.REFUSE,
    Words(
        ja="金融機関コード {found} の記録は、{expected} からの提出では受け付けられません。",
        en="A record of institution {found} cannot be taken in a submission on behalf of {expected}.",
        remedy_ja="金融機関コードを確認するか、on_behalf_of= で対象の金融機関を指定してください。",
        remedy_en="Check the bank code, or name the institution with on_behalf_of=.",
    ),
    "gateway",
)
SUCCEEDED_INSTITUTION = reading_rule(
    "A03",
    Severity.INFO,
    Words(
        ja="金融機関コード {found} は {expected} に承継されているため、{expected} の記録として扱いました。",
        en="Institution {found} has become {expected}; its records are taken as those of {expected}.",
        remedy_ja="対応は不要です。新しい金融機関コードでの出力に切り替えてください。",
        remedy_en="Nothing to do; have the new code written when you can.",
    ),
    "gateway",
)
DOCUMENT_UNREADABLE = reading_rule(
    "R00",
    Severity.REFUSE,
    Words(
        ja="文書を読み取れません: {reason_ja}",
        en="The document cannot be read: {reason}",
        remedy_ja="指摘の箇所を直すか、正しい形式のファイルを提出してください。",
        remedy_en="Mend the place named, or submit a file of a known format.",
    ),
    "gateway",
)
PERIOD_ASSUMED = reading_rule(
    "R05",
    Severity.INFO,
    Words(
        ja="対象期間が文書に明記されていないため、{period_from} から {period_to} までとみなしました。",
        en="The document does not state its period in full; {period_from} to {period_to} was assumed.",
        remedy_ja="開始日と終了日を指定して出力し直してください。",
        remedy_en="Export it again with its first and last day.",
    ),
    "domain note 6.7, freee",
)
