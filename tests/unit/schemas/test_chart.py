from __future__ import annotations

from collections import Counter

from gateway.schemas.accounts import chart

CHART = chart()

DOMAIN_NOTE = """
cash_and_deposits 10A100020 CashAndDeposits
notes_receivable 10A100060 NotesReceivableTrade
accounts_receivable 10A100090 AccountsReceivableTrade
electronic_receivable 10A100200 ElectronicallyRecordedMonetaryClaimsOperatingCA
securities_current 10A100230 ShortTermInvestmentSecurities
inventories 10A100270 Inventories
merchandise 10A100280 Merchandise
finished_goods 10A100310 FinishedGoods
raw_materials 10A100360 RawMaterials
work_in_process 10A100400/11A100090 WorkInProcess
supplies 10A100430 Supplies
advance_payments 10A100520 AdvancePaymentsTrade
prepaid_expenses 10A100540 PrepaidExpenses
short_term_loans_receivable 10A100610 ShortTermLoansReceivable
other_receivables 10A100670 AccountsReceivableOther
consumption_tax_receivable 10A100690 -
advances_paid 10A100840 AdvancesPaid
suspense_payments 10A100850 SuspensePayments
allowance_doubtful 10A101050 AllowanceForDoubtfulAccountsCA
current_assets 10A101160 CurrentAssets
buildings 10A210030 Buildings
machinery 10A210240 MachineryAndEquipment
vehicles 10A210360 Vehicles
tools_furniture 10A210410 ToolsFurnitureAndFixtures
land 10A210610 Land
accumulated_depreciation 10A210920 AccumulatedDepreciationPPEByGroup
ppe 10A210950 PropertyPlantAndEquipment
software 10A220110 Software
intangibles 10A220330 IntangibleAssets
investment_securities 10A230030 InvestmentSecurities
long_term_loans_receivable 10A230140 LongTermLoansReceivable
insurance_funds 10A230570 InsuranceFunds
lease_deposits 10A230660 LeaseAndGuaranteeDeposits
investments_other 10A230880 InvestmentsAndOtherAssets
noncurrent_assets 10A200020 NoncurrentAssets
deferred_assets 10A300080 DeferredAssets
total_assets 10A000020 Assets
notes_payable 10B100030 NotesPayableTrade
accounts_payable 10B100040/11B100050 AccountsPayableTrade
electronic_payable 10B100070 ElectronicallyRecordedObligationsOperatingCL
accrued_expenses 10B100160 AccruedExpenses
advances_received 10B100170/11B100110 AdvancesReceived
lease_current 10B100200 LeaseObligationsCL
bonus_provision 10B100320 ProvisionForBonuses
other_payables 10B100630 AccountsPayableOther
income_tax_payable 10B100640 IncomeTaxesPayable
consumption_tax_payable 10B100660 AccruedConsumptionTaxes
deposits_received 10B100690 DepositsReceived
short_term_debt 10B100790 ShortTermLoansPayable
bonds_current 10B100820 CurrentPortionOfBonds
long_term_debt_current 10B100830 CurrentPortionOfLongTermLoansPayable
officer_debt_short 10B100930 ShortTermLoansPayableToShareholdersDirectorsOrEmployees
current_liabilities 10B101070 CurrentLiabilities
bonds 10B200030 BondsPayable
long_term_debt 10B200080 LongTermLoansPayable
officer_debt_long 10B200090 LongTermLoansPayableToShareholdersDirectorsOrEmployees
lease_noncurrent 10B200340 LeaseObligationsNCL
noncurrent_liabilities 10B200670 NoncurrentLiabilities
total_liabilities 10B000020 Liabilities
capital_stock 10C110010 CapitalStock
capital_surplus 10C120040 CapitalSurplus
retained_brought_forward 10C130370 RetainedEarningsBroughtForward
retained_earnings 10C130390 RetainedEarnings
treasury_stock 10C100020 TreasuryStock
shareholders_equity 10C100040 ShareholdersEquity
net_assets 10C000030 NetAssets
liabilities_and_net_assets 10C000040 LiabilitiesAndNetAssets
sales 10D100020/10D100030 NetSales
opening_inventory 10E100100 -
purchases 10E100130 -
closing_inventory 10E100140 -
cost_of_sales 10E100020/10E100030 CostOfSales
gross_profit 10F000010 GrossProfit
officer_pay 10E200090 -
depreciation_sga 10E200220 -
salaries 10E200370 -
statutory_welfare 10E200540 -
outsourcing 10E200660 -
fees 10E200690 -
rent 10E200720 -
utilities 10E201040 -
travel 10E201230 -
misc_expense 10E201270 -
sga 10E200010/10E201330 SellingGeneralAndAdministrativeExpenses
operating_profit 10F000110 OperatingIncome
interest_income 10D200020 -
misc_income 10D200720 -
non_operating_income 10D200010/10D200740 NonOperatingIncome
interest_expense 10E300020 -
non_operating_expense 10E300010/10E300910 NonOperatingExpenses
ordinary_profit 10F000130 OrdinaryIncome
extraordinary_income 10D300010/10D300670 ExtraordinaryIncome
extraordinary_loss 10E400010/10E401090 ExtraordinaryLoss
pretax_profit 10F000150 IncomeBeforeIncomeTaxes
income_taxes 10F100060/10F100070 IncomeTaxes
net_profit 10F000160 ProfitLoss
"""
"""Domain note 6.5: account, its e-Tax codes, its EDINET element; where the note guesses at an element, a dash."""


def test_the_chart_is_read_once() -> None:
    assert chart() is CHART


def test_every_parent_is_a_total_or_an_account_with_deductions() -> None:
    parents = {account.parent for account in CHART.accounts.values() if account.parent}
    assert sorted(parents - CHART.accounts.keys()) == []
    assert sorted(key for key in parents if not CHART.accounts[key].total) == ["sales"]


def test_an_account_is_contra_exactly_where_it_stands_on_the_other_side_of_its_parent() -> None:
    stands_across = {
        account.key
        for account in CHART.accounts.values()
        if account.parent and CHART.accounts[account.parent].side != account.side
    }
    assert {account.key for account in CHART.accounts.values() if account.contra} == stands_across


def test_no_code_names_two_accounts() -> None:
    codes = Counter(code for account in CHART.accounts.values() for code in (*account.etax, *account.etax_total))
    assert [code for code, count in codes.items() if count > 1] == []


def test_a_code_of_the_general_table_belongs_to_the_statement_of_its_letter() -> None:
    letters = {"A": "BS", "B": "BS", "C": "BS", "D": "PL", "E": "PL", "F": "PL"}
    strangers = [
        (account.key, code)
        for account in CHART.accounts.values()
        for code in account.etax
        if account.statement != letters[code[2]]
    ]
    assert strangers == [("outsourcing_cost", "10E110660")]  # manufacturing cost has its codes among the costs


def test_families_and_vendors_speak_of_accounts_that_exist() -> None:
    spoken_of = {family.key for family in CHART.families}
    spoken_of |= {key for names in CHART.vendors.values() for key in names.values()}
    assert sorted(spoken_of - CHART.accounts.keys()) == []


def test_no_family_is_found_twice() -> None:
    prefixes = Counter(family.prefix for family in CHART.families if family.prefix)
    sections = Counter(name for family in CHART.families for name in family.sections)
    assert [name for name, count in (*prefixes.items(), *sections.items()) if count > 1] == []


def test_what_collects_the_rest_is_never_a_total() -> None:
    assert [family.key for family in CHART.families if CHART.accounts[family.key].total] == []


def test_every_account_of_the_domain_note_is_there() -> None:
    noted = [row.split() for row in DOMAIN_NOTE.strip().splitlines()]
    missing = []
    for key, codes, element in noted:
        account = CHART.accounts.get(key)
        known = (*account.etax, *account.etax_total) if account else ()
        missing += [
            (key, code)
            for code in codes.split("/")
            if not any(code == one or (one.endswith("*") and code.startswith(one[:-1])) for one in known)
        ]
        missing += [(key, element)] if account and element not in ("-", account.edinet) else []
    assert missing == []
    assert len({key for key, _, _ in noted}) == len(noted) == 96
