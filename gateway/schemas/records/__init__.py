"""The record kinds: one frozen model per kind, one file each."""

from __future__ import annotations

from typing import get_args

from gateway.schemas.records.accident_report import AccidentReport
from gateway.schemas.records.account_activity import AccountActivity
from gateway.schemas.records.alignment import Alignment
from gateway.schemas.records.answer import Answer
from gateway.schemas.records.approach import Approach
from gateway.schemas.records.cash_flow_table import CashFlowTable
from gateway.schemas.records.condition_change import ConditionChange
from gateway.schemas.records.evidence_document import EvidenceDocument
from gateway.schemas.records.field_note import FieldNote
from gateway.schemas.records.financial_statement import FinancialStatement, StatementLine
from gateway.schemas.records.guarantee_application import GuaranteeApplication
from gateway.schemas.records.header import Columns, Correction, MissingReason, Rounding, Unit
from gateway.schemas.records.inquiry import Inquiry
from gateway.schemas.records.loan_execution import LoanExecution
from gateway.schemas.records.local_benchmark import LocalBenchmark
from gateway.schemas.records.monitoring_report import MonitoringReport
from gateway.schemas.records.plan_progress import PlanProgress
from gateway.schemas.records.recommendation import Recommendation
from gateway.schemas.records.repayment_status import RepaymentStatus
from gateway.schemas.records.score_record import ScoreRecord
from gateway.schemas.records.subject_profile import SubjectProfile
from gateway.schemas.records.subrogation import Subrogation
from gateway.schemas.records.support_record import SupportRecord
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
    | FieldNote
    | Recommendation
    | SupportRecord
    | Approach
    | Alignment
    | SubjectProfile
    | AccountActivity
    | CashFlowTable
    | PlanProgress
    | GuaranteeApplication
    | EvidenceDocument
    | Inquiry
    | Answer
    | ScoreRecord
    | LocalBenchmark
)
"""One record of any kind. This is the table of kinds: what stands here has a schema, a door and rules."""

KINDS: dict[str, type[Record]] = {model.model_fields["kind"].default: model for model in get_args(Record)}
"""Every record kind by name."""

__all__ = [
    "KINDS",
    "AccidentReport",
    "AccountActivity",
    "Alignment",
    "Answer",
    "Approach",
    "CashFlowTable",
    "Columns",
    "ConditionChange",
    "Correction",
    "EvidenceDocument",
    "FieldNote",
    "FinancialStatement",
    "GuaranteeApplication",
    "Inquiry",
    "LoanExecution",
    "LocalBenchmark",
    "MissingReason",
    "MonitoringReport",
    "PlanProgress",
    "Recommendation",
    "Record",
    "RepaymentStatus",
    "Rounding",
    "ScoreRecord",
    "StatementLine",
    "SubjectProfile",
    "Subrogation",
    "SupportRecord",
    "TrialBalance",
    "TrialBalanceLine",
    "Unit",
]
