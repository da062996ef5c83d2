"""The child process of `flow.run`."""

import sys

from .process import child

if __name__ == "__main__":
    sys.exit(child())
