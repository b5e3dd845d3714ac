"""Start of every process that is not the command line: which module it runs, and with which settings.

These run without the command line's parser, which would cost each of them a tenth of a second.
"""

import importlib
import os

from fastgw.app import handover

CHILDREN = ("worker", "keeper-child")
"""First argument of a process that `serve` starts; hidden from `--help`."""

_MODULES = {
    "worker": "fastgw.app.worker",
    "keeper-child": "fastgw.app.keeper",
}


def run(name: str) -> int:
    """Run the process `name`, one of `CHILDREN`. The result is its exit code."""
    parent = handover.take(os.environ)
    if parent is None:
        # By hand, for a benchmark or a debugger: the settings come from where `serve` takes them.
        from fastgw.app import start  # noqa: PLC0415 - a child of `serve` never needs the loader

        settings = start.settings(None, {})
    else:
        os.environ.pop(handover.VARIABLE, None)
        settings = handover.unpack(parent.settings_fd)
    module = importlib.import_module(_MODULES[name])
    code: int = module.main(settings, parent)
    return code
