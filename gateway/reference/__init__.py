"""Reference data that an operator keeps: which codes and numbers exist on which day. Looked up, never fetched."""
