"""Packs of rules: what is run over a record of which kind, in which order, under which name and version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from gateway.errors import ConfigurationError
from gateway.reference.lists import NO_LISTS, Lists
from gateway.rules import (  # noqa: F401 - importing them is what declares their rules
    accidents,
    applications,
    benchmark,
    cash_flow,
    changes,
    continuity,
    dates,
    dealings,
    deposits,
    equity,
    evidences,
    executions,
    identities,
    listed,
    monitoring,
    my_number,
    private_texts,
    profits,
    reading,
    references,
    registered,
    repayment,
    statements,
    subrogations,
    trial_balance,
)
from gateway.rules.my_number import masked_finding
from gateway.rules.rule import REGISTRY, Form, Hit, Looked, Rule
from gateway.rules.views import past_of, view_of
from gateway.schemas.findings import Finding
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import KINDS
from gateway.schemas.submission import Guaranteed


@dataclass(frozen=True)
class Pack:
    """A named, versioned set of rules. Its version is sealed with every statement it judged."""

    name: str
    version: str
    rules: tuple[Rule, ...]

    def document_rules(self, kind: str) -> tuple[Rule, ...]:
        """Rules over one document of a kind.

        Raises:
            ConfigurationError: no rule of this pack concerns the kind: it would pass unchecked.
        """
        return self._of(kind, "document")

    def history_rules(self, kind: str) -> tuple[Rule, ...]:
        """Rules over a document of a kind and the one before it; raises like ``document_rules``."""
        return self._of(kind, "history")

    def beside_rules(self, kind: str) -> tuple[Rule, ...]:
        """Rules over a document of a kind and the one beside it; raises like ``document_rules``."""
        return self._of(kind, "beside")

    def register_rules(self, kind: str) -> tuple[Rule, ...]:
        """Rules over a document of a kind and the guarantees it names; raises like ``document_rules``."""
        return self._of(kind, "register")

    def row_rules(self, kind: str, history: bool) -> tuple[Rule, ...]:
        """Rules over rows of a kind, those that need history or those that do not; raises like ``document_rules``."""
        return self._of(kind, "rows_history" if history else "rows")

    def listed_rules(self, kind: str) -> tuple[Rule, ...]:
        """Rules over records of a kind that look in a list of the operator's; raises like ``document_rules``."""
        return self._of(kind, "listed")

    def _of(self, kind: str, form: Form) -> tuple[Rule, ...]:
        forms = self._by_kind.get(kind)
        if not forms:
            raise ConfigurationError(
                f"rule pack {self.version} has no effective rule for {kind}",
                ja=f"規則集 {self.version} には {kind} を検査する規則がありません。",
            )
        return forms.get(form, ())

    @cached_property
    def by_code(self) -> Mapping[str, Rule]:
        """Every rule by its code, reading rules included."""
        return {rule.code: rule for rule in self.rules}

    @cached_property
    def _by_kind(self) -> dict[str, dict[Form, tuple[Rule, ...]]]:
        sorted_out: dict[str, dict[Form, tuple[Rule, ...]]] = {kind: {} for kind in KINDS}
        for rule in self.rules:
            for kind in rule.kinds:
                forms = sorted_out.setdefault(kind, {})
                forms[rule.form] = (*forms.get(rule.form, ()), rule)
        return sorted_out


@cache
def standard_pack() -> Pack:
    """Every declared rule, in the order of their codes, whatever was imported first."""
    return Pack("standard", "standard-7", tuple(REGISTRY[code] for code in sorted(REGISTRY)))


def check_document(pack: Pack, observed: ObservedDocument) -> list[Finding]:
    """Run the pack's rules over one document, as read."""
    rules, view = pack.document_rules(observed.record.kind), view_of(observed.record)
    return [_finding(rule, hit, observed) for rule in rules for hit in _hits(rule, view)]


def check_listed(pack: Pack, observed: ObservedDocument, lists: Lists) -> Looked:
    """Look up what one document names, as far as there are lists for it and they say anything of its day."""
    looked = Looked()
    for rule in pack.listed_rules(observed.record.kind) if lists is not NO_LISTS else ():
        looked_in = getattr(lists, rule.of or "")
        hits = rule.check(looked_in, observed.record) if looked_in is not None and rule.check else None
        if hits is not None:
            looked.count(1, looked_in.source)
            looked.findings += [_finding(rule, hit, observed) for hit in hits]
    return looked


def check_history(pack: Pack, observed: ObservedDocument, previous: Mapping[str, Any] | None) -> list[Finding]:
    """Compare one document with the normalised record that stands before it in its series; nothing if none does."""
    return _compared(pack.history_rules(observed.record.kind), observed, previous)


def check_beside(pack: Pack, observed: ObservedDocument, other: Mapping[str, Any] | None) -> list[Finding]:
    """Compare one document with the normalised record that stands beside it; nothing if none does."""
    return _compared(pack.beside_rules(observed.record.kind), observed, other)


def check_register(pack: Pack, observed: ObservedDocument, guaranteed: Mapping[str, Guaranteed]) -> list[Finding]:
    """Compare one document with what the recipient's register says of the guarantees it names (by number)."""
    rules = pack.register_rules(observed.record.kind)
    if not rules or not guaranteed:
        return []
    view = view_of(observed.record)
    return [_finding(rule, hit, observed) for rule in rules for hit in _hits(rule, view, guaranteed)]


def _compared(rules: Sequence[Rule], observed: ObservedDocument, other: Mapping[str, Any] | None) -> list[Finding]:
    if other is None or not rules:
        return []
    view, past = view_of(observed.record), past_of(observed.record, other)
    return [_finding(rule, hit, observed) for rule in rules for hit in _hits(rule, view, past)]


def _hits(rule: Rule, *seen: Any) -> Iterable[Hit]:
    return rule.check(*seen) if rule.check else ()


def _finding(rule: Rule, hit: Hit, observed: ObservedDocument) -> Finding:
    return masked_finding(
        Finding(
            code=rule.code,
            severity=hit.severity or rule.severity,
            record=observed.ordinal,
            place=observed.place_of(hit.pointer),
            field=hit.pointer or None,
            params=dict(hit.params),
        )
    )
