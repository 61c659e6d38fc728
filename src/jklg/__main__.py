"""`python -m jklg`."""

from __future__ import annotations

import sys

from jklg.cli import main

if __name__ == "__main__":
    sys.exit(main())
