"""`python -m bench [WHAT ...]`: measure, print Markdown tables, save the run under `bench/results/`.

Without arguments everything is measured. WHAT is any of unary, streams, latency (the contest between gateways), idle,
start, held, slow, cells (single measures of fastgw), profile (where fastgw's time goes), or report (a saved run again).
"""

import argparse
import sys
from pathlib import Path

from bench import contest, machine, profile, report, results
from bench.contest import MEASURES, Options
from bench.contestants import CONTESTANTS, DEFAULT
from bench.gateways import MissingPart
from bench.single import SINGLES

_QUICK = {"rounds": 1, "seconds": 2.0, "warmup_s": 1.0}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", help=f"any of {', '.join([*MEASURES, *SINGLES])}; profile; report")
    parser.add_argument("--gateways", default="", help=f"comma-separated, of {', '.join(CONTESTANTS)}")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the contest; the tables show medians (3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measured window (5)")
    parser.add_argument("--rate", type=int, default=1000, help="calls a second of the latency measure (1000)")
    parser.add_argument("--plain", action="store_true", help="plain HTTP to the provider only")
    parser.add_argument("--tls", action="store_true", help="TLS to the provider only")
    parser.add_argument("--quick", action="store_true", help="one round of 2 s: to see that it works, not to compare")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md and README.md")
    parser.add_argument("--file", type=Path, help="the saved run that `report` shows; default: the newest")
    arguments = parser.parse_args()
    wanted = tuple(arguments.what) or (*MEASURES, *SINGLES)
    if unknown := set(wanted) - {*MEASURES, *SINGLES, "profile", "report"}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if wanted == ("report",):
        saved = arguments.file or max(results.FOLDER.glob("*.json"), default=None)
        if saved is None:
            parser.error("no run has been saved yet")
        return _show(results.load(saved), write=arguments.write)
    machine.demand_linux()
    names = tuple(arguments.gateways.split(",")) if arguments.gateways else ()
    if unknown := set(names) - CONTESTANTS.keys():
        parser.error(f"no such gateway: {', '.join(sorted(unknown))}")
    pace = _QUICK if arguments.quick else {"rounds": arguments.rounds, "seconds": arguments.seconds}
    options = Options(
        measures=tuple(what for what in wanted if what in MEASURES),
        gateways=names or DEFAULT,
        tls=(False,) if arguments.plain else (True,) if arguments.tls else (False, True),
        rate=arguments.rate,
        **pace,
    )
    return _measure(wanted, options, names, write=arguments.write)


def _measure(wanted: tuple[str, ...], options: Options, names: tuple[str, ...], *, write: bool) -> int:
    machine.raise_file_limit()
    facts = machine.describe()
    cores = machine.divide_cores()
    if cores.shared:
        machine.note("only one core: the load shares it with the gateway, requests/s and latencies mean little")
    shown = {"rounds": options.rounds, "seconds a window": options.seconds, "calls/s of the latency run": options.rate}
    run = results.Run(machine=facts, options={name: f"{value:g}" for name, value in shown.items()})
    try:
        if options.measures:
            contest.hold(run, options, cores)
        for what, measure in SINGLES.items():
            if what in wanted:
                try:
                    measure(run, Options(gateways=names or ("wire",), seconds=options.seconds), cores)
                except MissingPart as reason:
                    run.skipped[what] = str(reason)
                    machine.note(f"{what} left out: {reason}")
        if "profile" in wanted:
            profile.take(names or ("wire",), options.seconds, cores)
    except KeyboardInterrupt:
        machine.note("interrupted: what follows is incomplete")
    if run.rows:
        machine.note(f"saved as {run.save()}")
        return _show(run, write=write)
    return 0 if "profile" in wanted else 1


def _show(run: results.Run, *, write: bool) -> int:
    sys.stdout.write(report.whole(run))
    if write:
        report.write(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
