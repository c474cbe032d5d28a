"""The only SQL. Functions take a ``Session``; tables never leave this package."""
