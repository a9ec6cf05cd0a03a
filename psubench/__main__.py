"""`python -m psubench`."""

import sys


def main() -> None:
    """Runs the program; a failed import must not look like a regression, whose exit code is 1."""
    try:
        from psubench.cli import main as run
    except ImportError as error:
        print(f"error: psubench cannot be imported: {error}; install it again", file=sys.stderr)  # noqa: T201  # before there is a CLI
        sys.exit(70)
    run()


if __name__ == "__main__":
    main()
