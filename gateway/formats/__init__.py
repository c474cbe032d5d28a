"""Reading tools that know no vendor: text and CSV, money, the Japanese calendar, identifiers."""
