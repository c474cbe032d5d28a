"""``python -m gateway`` is ``hayame``."""

from gateway.cli import main

main()
