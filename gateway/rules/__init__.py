"""What is checked: one function per rule, each with its code, severity, words and reason."""
