"""Packed documents are read in a child process that may be killed: one that breaks its reader costs one refusal.

``pool`` is our side: a few long-lived children, started when the first packed document comes. ``child`` is theirs.
"""
