"""`python -m neurocomp`: the command line."""

import sys

from neurocomp.cli import main

if __name__ == "__main__":
    sys.exit(main())
