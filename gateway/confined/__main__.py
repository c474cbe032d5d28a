"""``python -m gateway.confined BYTES``: one child; see ``pool``."""

import sys

from gateway.confined.child import main

if __name__ == "__main__":
    main(int(sys.argv[1]))
