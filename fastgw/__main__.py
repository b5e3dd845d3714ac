"""The command line: `fastgw` and `python -m fastgw`."""

import sys


def main() -> None:
    """Run the command in `sys.argv` and exit with its code."""
    from fastgw.app import process  # noqa: PLC0415 - keep this module importable at no cost

    if len(sys.argv) == 2 and sys.argv[1] in process.CHILDREN:
        sys.exit(process.run(sys.argv[1]))
    from fastgw.app import cli  # noqa: PLC0415 - children must not load the parser

    sys.exit(cli.run())


if __name__ == "__main__":
    main()
