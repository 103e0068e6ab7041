"""Start agentkit from a checkout: `python cli.py ask "…"`. Never packaged."""

import sys

from agentkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
