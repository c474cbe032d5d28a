"""経営行動計画の進捗: what a firm set out to do, and how far it got."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit, Yen
from gateway.schemas.records.labels import Codes, Label, Narrative, Short
from gateway.schemas.records.parts import MEETINGS, Meeting, Numbered, Part, Title

STATE: Codes = {
    "done": ("完了", "done"),
    "on_track": ("計画どおり", "on track"),
    "late": ("遅れ", "late"),
    "not_started": ("未着手", "not started"),
    "dropped": ("取止め", "dropped"),
    "unknown": ("不明", "unknown"),
}


class PlanStep(Part):
    """One action of the plan."""

    action: Annotated[Short, Label("行動内容", "action")]
    due_on: Annotated[date | None, Label("期日", "due on")] = None
    kpi: Annotated[Title | None, Label("指標", "measure")] = None
    target: Annotated[Title | None, Label("目標値", "target")] = None
    actual: Annotated[Title | None, Label("実績値", "actual")] = None
    state: Annotated[
        Literal["done", "on_track", "late", "not_started", "dropped", "unknown"], Label("状態", "state", STATE)
    ] = "unknown"


class PlanFigures(Part):
    """収支・返済計画 of one year, planned or reached."""

    sales_yen: Annotated[Yen | None, Label("売上高", "sales, yen")] = None
    operating_profit_yen: Annotated[Yen | None, Label("営業利益", "operating profit, yen")] = None
    ordinary_profit_yen: Annotated[Yen | None, Label("経常利益", "ordinary profit, yen")] = None
    depreciation_yen: Annotated[Yen | None, Label("減価償却費", "depreciation, yen")] = None
    repayment_yen: Annotated[Yen | None, Label("借入金返済額", "repayment, yen")] = None


class PlanYear(Part):
    """One fiscal year of the plan; what was reached is not stated before the year is over."""

    fiscal_year_end: Annotated[date, Label("事業年度末", "end of the term")]
    planned: Annotated[PlanFigures, Label("計画", "planned")] = PlanFigures()
    reached: Annotated[PlanFigures, Label("実績", "reached")] = PlanFigures()


PLAN_STATES: Codes = {
    "ahead": ("計画を上回る", "ahead"),
    "on_track": ("計画どおり", "on track"),
    "late": ("遅れ", "late"),
    "stalled": ("停滞", "stalled"),
    "done": ("完了", "done"),
    "abandoned": ("中止", "abandoned"),
    "unknown": ("不明", "unknown"),
}


PLAN_KIND: Codes = {
    "action_plan": ("経営行動計画", "action plan"),
    "improvement_plan_405": ("経営改善計画(405事業)", "improvement plan (405)"),
    "early_improvement": ("早期経営改善計画", "early improvement plan"),
    "revitalization": ("再生計画", "revitalisation plan"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


class PlanProgress(Numbered):
    """Where a plan stands on one day. ``record_no`` is the plan's own number."""

    kind: Literal["plan_progress"] = "plan_progress"
    plan_kind: Annotated[
        Literal["action_plan", "improvement_plan_405", "early_improvement", "revitalization", "other", "unknown"],
        Label("計画の種類", "kind of plan", PLAN_KIND),
    ] = "unknown"
    plan_from: Annotated[date | None, Label("計画開始日", "plan from")] = None
    plan_to: Annotated[date | None, Label("計画終了日", "plan to")] = None
    as_of: Annotated[date, Label("基準日", "as of")]
    state: Annotated[
        Literal["ahead", "on_track", "late", "stalled", "done", "abandoned", "unknown"],
        Label("状態", "state", PLAN_STATES),
    ] = "unknown"
    goal: Annotated[Narrative | None, Label("目標", "goal")] = None
    items: Annotated[tuple[PlanStep, ...], Field(max_length=100), Label("行動項目", "actions")] = ()
    years: Annotated[tuple[PlanYear, ...], Field(max_length=20), Label("年度別", "years")] = ()
    confirmed_on: Annotated[date | None, Label("金融機関の確認日", "confirmed on")] = None
    confirmed_by: Annotated[Meeting | None, Label("確認方法", "confirmed by", MEETINGS)] = None
    gap_reason: Annotated[Narrative | None, Label("計画との差異の要因", "reason of the gap")] = None
    countermeasure: Annotated[Narrative | None, Label("対策", "countermeasure")] = None
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return min(self.plan_from or self.as_of, self.as_of)

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.as_of
