"""The record kinds: one frozen model per kind, one file each."""

from __future__ import annotations

from typing import get_args

from gateway.schemas.records.accident_report import AccidentReport
from gateway.schemas.records.condition_change import ConditionChange
from gateway.schemas.records.financial_statement import FinancialStatement, StatementLine
from gateway.schemas.records.header import Columns, Correction, MissingReason, Rounding, Unit
from gateway.schemas.records.loan_execution import LoanExecution
from gateway.schemas.records.monitoring_report import MonitoringReport
from gateway.schemas.records.repayment_status import RepaymentStatus
from gateway.schemas.records.subrogation import Subrogation
from gateway.schemas.records.trial_balance import TrialBalance, TrialBalanceLine

Record = (
    TrialBalance
    | FinancialStatement
    | MonitoringReport
    | RepaymentStatus
    | LoanExecution
    | ConditionChange
    | AccidentReport
    | Subrogation
)
"""One record of any kind. This is the table of kinds: what stands here has a schema, a door and rules."""

KINDS: dict[str, type[Record]] = {model.model_fields["kind"].default: model for model in get_args(Record)}
"""Every record kind by name."""

__all__ = [
    "KINDS",
    "AccidentReport",
    "Columns",
    "ConditionChange",
    "Correction",
    "FinancialStatement",
    "LoanExecution",
    "MissingReason",
    "MonitoringReport",
    "Record",
    "RepaymentStatus",
    "Rounding",
    "StatementLine",
    "Subrogation",
    "TrialBalance",
    "TrialBalanceLine",
    "Unit",
]
