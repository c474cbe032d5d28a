"""Frozen values that everything else speaks in: records, findings, statements, lines, instants.

Every class here is immutable and knows no database, no network and no key.
"""
