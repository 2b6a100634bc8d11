"""`python -m plugin_contract.schemas [--check]`: write the published schemas, or say which are stale (exit 1)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from plugin_contract.schemas import FOLDER, stale, write


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when the files are, or now are, what the models say; 1 when `--check` found one stale."""
    parser = argparse.ArgumentParser(prog="python -m plugin_contract.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a schema is stale")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where the schemas are (default: inside the package)"
    )
    options = parser.parse_args(argv)
    names = stale(options.folder) if options.check else write(options.folder)
    for name in names:
        sys.stdout.write(f"{'stale' if options.check else 'written'}: {name}.json\n")
    return 1 if names and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
