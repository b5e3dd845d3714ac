"""Background work in one process: drain journals, mirror keys, list models."""

from fastgw.keeper.run import run

__all__ = ["run"]
