"""The addresses outsiders see: parse, call, present. No decisions are taken here."""
