"""Every cell: callers of four dialects on providers of four dialects, through one fastgw, beside nginx in one run."""

import tempfile
from pathlib import Path

from bench import contest, dialects, machine
from bench.contest import Options
from bench.gateways import Fastgw, MissingPart, Nginx
from bench.machine import Cores
from bench.results import Cell, Run
from bench.upstream import Upstream

IN_FLIGHT = 64


class FastgwCells(Fastgw):
    """fastgw with one provider for each dialect."""

    name = "fastgw, cells"

    def environment(self) -> dict[str, str]:
        """The settings, with the providers in a TOML file."""
        config = self.folder / "fastgw.toml"
        config.write_text("".join(self._provider(name) for name in ("openai", *dialects.NAMES)))
        return {
            "FASTGW_PORT": str(self.port),
            "FASTGW_DATA_DIR": str(self.folder / "data"),
            "FASTGW_WORKERS": "1",
            "FASTGW_CONFIG": str(config),
        }

    def _provider(self, name: str) -> str:
        dialect = "chat" if name == "openai" else name
        version = "v1beta" if dialect == "gemini" else "v1"
        return (
            f'[[providers]]\nname = "{name}"\nvendor = "openai_compatible"\nspeaks = ["{dialect}"]\n'
            f'base_url = "{self.upstream.origin(False)}/{version}"\nany_model = true\nlist_models = false\n'
            'credentials = [{ label = "bench", secret = "x" }]\n'
        )


def cells(run: Run, options: Options, cores: Cores) -> None:
    """CPU per unary request and per event of each cell."""
    with tempfile.TemporaryDirectory(prefix="bench") as scratch, Upstream(Path(scratch)) as upstream:
        for kind in (Nginx, FastgwCells):
            folder = Path(scratch) / kind.name.partition(" ")[0]
            folder.mkdir()
            gateway = kind(upstream, tls=False, core=cores.gateway, folder=folder)
            callers = dialects.NAMES if kind is FastgwCells else ("chat",)
            providers = dialects.NAMES if kind is FastgwCells else ("chat",)
            try:
                gateway.start()
                for caller in callers:
                    for provider in providers:
                        machine.note(f"cell: {kind.name}, {caller} to {provider}")
                        model = f"{provider}/{dialects.MODEL}" if kind is FastgwCells else dialects.MODEL
                        unary = contest.unary(options, gateway, IN_FLIGHT, 0.0, caller, model)
                        streamed = contest.streams(options, gateway, dialect=caller, model=model)
                        run.rows.append(
                            Cell(
                                gateway=gateway.name,
                                caller=caller,
                                provider=provider,
                                requests=unary.requests,
                                events=streamed.events,
                                errors={"unary": unary.errors, **streamed.errors} if unary.errors else streamed.errors,
                                unary_us=unary.cpu_us,
                                event_us=streamed.cpu_us,
                            )
                        )
            except MissingPart as reason:
                run.skipped[f"cells, {kind.name}"] = str(reason)
                machine.note(f"left out: {reason}")
            finally:
                gateway.stop()
