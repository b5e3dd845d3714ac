"""What `fastgw ledger check` does."""

import msgspec

from fastgw import clock
from fastgw.app import output
from fastgw.app.command_stores import database
from fastgw.app.output import DONE, FAILED
from fastgw.settings import Settings
from fastgw.storage.sql.check import Finding, check


def check_ledger(settings: Settings, *, as_json: bool) -> int:
    """Print what a check of the whole ledger finds; the exit code is 1 when an invariant fails."""
    with database(settings) as engine:
        findings = check(engine, now_ms=clock.wall_ms())
    failed = [finding for finding in findings if not finding.ok]
    if as_json:
        output.result({"ok": not failed, "findings": [msgspec.structs.asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _say(finding)
        output.line("The ledger is right." if not failed else f"{len(failed)} of {len(findings)} checks failed.")
    return FAILED if failed else DONE


def _say(finding: Finding) -> None:
    output.line(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.name}: {finding.detail}")
    for item in finding.items:
        output.line(f"          {item}")
