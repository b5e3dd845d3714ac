"""The tables and budgets that a run of the bench ends with."""

from pathlib import Path

import msgspec
import pytest

from bench import budgets, report, results
from bench.results import Idle, Latency, Run, Streams, Unary


def unary(gateway: str, cpu_us: float, *, in_flight: int = 64, errors: int = 0) -> Unary:
    return Unary(gateway, False, in_flight, 1000, errors, 5000.0, cpu_us, {"worker": cpu_us}, 1.0, 2.0, 70.0, 80.0, {})


def latency(gateway: str, p50_us: int, p99_us: int) -> Latency:
    return Latency(gateway, False, 1000, 5000, {}, p50_us, p99_us, 900)


def a_run() -> Run:
    rows: list[results.Row] = [unary("nginx proxy_pass", us) for us in (19.0, 20.0, 400.0)]
    rows += [unary("fastgw (wire)", us) for us in (90.0, 100.0, 101.0)]
    rows += [latency("direct", 100, 200), latency("fastgw (wire)", 450, 2600)]
    rows += [Streams("fastgw (wire)", False, 2000, 10, 9, 1999, {"status 503": 1}, 9.0, 9.0, {}, 1, 2, 5, 3.0, 4)]
    rows += [Idle("fastgw (wire)", 10.0, 0.2, 150.0, 89.0)]
    return Run(machine={"cpu": "any"}, rows=rows, skipped={"Portkey 1.15, plain": "no npm"})


def test_budgets_are_judged_by_medians_against_nginx_of_the_same_run() -> None:
    found = {budget.what: budget for budget in budgets.check(a_run())}
    cpu = found["CPU per unary request, 64 in flight"]
    assert cpu.measured == pytest.approx(5.0)
    assert cpu.verdict() == "met, aim not"
    assert found["CPU per unary request, 8 in flight"].verdict() == "not measured"
    assert found["added latency at a fixed rate, p50"].verdict() == "met"
    assert found["added latency at a fixed rate, p99"].verdict() == "**missed** by 0.40 ms, 20 % over"
    assert found["failed streams of 2,000 held at 10 events/s"].verdict() == "**missed** by 1 streams"
    assert found["idle CPU of all processes"].verdict() == "met"


def test_the_page_names_ratios_errors_and_who_was_left_out() -> None:
    page = report.whole(a_run())
    assert "| fastgw (wire) | key, limits, splice, metering, journal, settlement | 100.0 us (5.0 x) |" in page
    assert "0.35 / 2.40 ms" in page
    assert "1 status 503" in page
    assert "- Portkey 1.15, plain: no npm" in page


def test_tables_replace_what_stood_between_the_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench").mkdir()
    for name in ("README.md", "bench/README.md"):
        (tmp_path / name).write_text("# Title\n<!-- bench:begin -->\nearlier figures\n<!-- bench:end -->\nrest\n")
    monkeypatch.setattr(report, "_ROOT", tmp_path)
    report.write(a_run())
    for name in ("README.md", "bench/README.md"):
        page = (tmp_path / name).read_text()
        assert page.startswith("# Title\n<!-- bench:begin -->\nMachine: cpu any.")
        assert page.endswith("<!-- bench:end -->\nrest\n")
        assert "earlier figures" not in page
        assert "100.0 us (5.0 x)" in page


def test_a_run_survives_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    run = a_run()
    assert msgspec.json.encode(results.load(run.save())) == msgspec.json.encode(run)
