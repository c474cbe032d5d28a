"""The record kinds: one frozen model per kind, one file each."""

from __future__ import annotations

from gateway.schemas.records.financial_statement import FinancialStatement, StatementLine
from gateway.schemas.records.header import Columns, Correction, MissingReason, Rounding, Unit
from gateway.schemas.records.monitoring_report import MonitoringReport
from gateway.schemas.records.repayment_status import RepaymentStatus
from gateway.schemas.records.trial_balance import TrialBalance, TrialBalanceLine

Record = TrialBalance | FinancialStatement | MonitoringReport | RepaymentStatus

KINDS: dict[str, type[Record]] = {
    "trial_balance": TrialBalance,
    "financial_statement": FinancialStatement,
    "monitoring_report": MonitoringReport,
    "repayment_status": RepaymentStatus,
}
"""Every record kind by name."""

__all__ = [
    "KINDS",
    "Columns",
    "Correction",
    "FinancialStatement",
    "MissingReason",
    "MonitoringReport",
    "Record",
    "RepaymentStatus",
    "Rounding",
    "StatementLine",
    "TrialBalance",
    "TrialBalanceLine",
    "Unit",
]
