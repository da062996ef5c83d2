"""The child process of `flow.run` and `flow.analyze`."""

import sys

from .child import main

if __name__ == "__main__":
    sys.exit(main())
