"""The rules of the house that no other tool checks. Each test names every place that breaks its rule."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fastgw"

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
ROOMS_BANNED = {"utils", "util", "helpers", "helper", "common", "core", "base", "misc"}
BROAD = {"Exception", "BaseException"}
WORK_MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])(/work/|/root/|/home/\w+/|/Users/\w+/|/tmp/\w/)")
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org)\b|--index-url|--extra-index-url"
)
LOCK_FILES = ("requirements/", "docker/build.txt", "package-lock.json")

TESTED_ELSEWHERE = {
    "fastgw/__main__.py": "tests/app: every test of the command line runs it",
    "fastgw/app/announce.py": "tests/app/test_serve.py runs what it prints",
    "fastgw/app/callers.py": "tests/app/test_control_plane.py, with a whole worker",
    "fastgw/app/cli_accounts.py": "tests/app/test_commands_accounts.py runs its verbs",
    "fastgw/app/cli_keys.py": "tests/app/test_commands_keys*.py run its verbs",
    "fastgw/app/cli_money.py": "tests/app/test_commands_*.py run its verbs",
    "fastgw/app/cli_options.py": "tests/app: every verb, and every misuse of one",
    "fastgw/app/commands_ledger.py": "tests/app/test_commands_accounts.py",
    "fastgw/app/control_routes.py": "tests/controlplane ask every route",
    "fastgw/app/counted.py": "tests/keeper/whole.py: every keeper in tests/keeper asks through it",
    "fastgw/app/keeper.py": "tests/app/test_serve.py and tests/keeper run it",
    "fastgw/app/output.py": "tests/app/test_cli.py reads what it prints",
    "fastgw/app/process.py": "tests/app: every process of a gateway starts through it",
    "fastgw/app/sandbox.py": "tests/app: every gateway without a provider",
    "fastgw/app/services.py": "tests/app/test_control.py and tests/controlplane work with them",
    "fastgw/app/wiring.py": "tests/conformance: every request of a real SDK",
    "fastgw/dataplane/upstream/": "tests/dataplane/upstream: one contract for both transports, and test_wire_*.py",
    "fastgw/exchange.py": "values; the tests of every stage make and read them",
    "fastgw/keeper/mirror.py": "tests/keeper/test_run.py, with real stores",
    "fastgw/keeper/pause.py": "tests/keeper/test_run.py: the keeper stops at once",
    "fastgw/money/book_build.py": "tests/money/test_book.py builds the book anew and compares",
    "fastgw/providers/rules_claude.py": "tests/providers/test_vendor.py: what known models take",
    "fastgw/providers/reference.py": "tests/settings/test_reference.py compares the page with the code",
    "fastgw/settings/environment.py": "tests/settings/test_loader.py",
    "fastgw/settings/mistakes.py": "tests/settings: every refusal",
    "fastgw/settings/providers.py": "tests/settings/test_loader.py",
    "fastgw/settings/values.py": "tests/settings/test_schema.py",
    "fastgw/storage/journal/layout.py": "tests/storage/journal: every test reads what it lays out",
    "fastgw/storage/sql/engine.py": "tests/storage/sql/test_schema.py, on both databases",
    "fastgw/storage/sql/migrations/versions/": "tests/storage/sql/test_schema.py migrates both databases",
    "fastgw/storage/valkey/subjects.py": "tests/storage/valkey/test_gate.py",
}
"""Modules, or all modules right in a folder, whose test has another name than theirs, and which it is."""


def tracked(*patterns: str) -> list[Path]:
    """Files that belong to the project: tracked by git, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return sorted(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


if not (ROOT / ".git").exists():
    pytest.skip("tidiness is checked in a checkout, where git tells which files count", allow_module_level=True)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def shown(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def modules() -> list[Path]:
    return tracked("fastgw/*.py")


def python_files() -> list[Path]:
    return tracked("*.py")


def test_files_are_short() -> None:
    long = {shown(p): n for p in python_files() if (n := len(p.read_text().splitlines())) > FILE_LINES_MAX}
    assert not long, f"more than {FILE_LINES_MAX} lines"


def test_functions_are_short() -> None:
    long = [
        f"{shown(path, node.lineno)} {node.name}"
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long, f"more than {FUNCTION_LINES_MAX} lines"


def test_rooms_are_named_for_what_they_hold() -> None:
    banned = [shown(p) for p in modules() if ROOMS_BANNED & {*p.relative_to(PACKAGE).parts[:-1], p.stem}]
    assert not banned


def test_modules_say_what_they_are_for() -> None:
    silent = [shown(path) for path in python_files() if path.stat().st_size and not ast.get_docstring(tree(path))]
    assert not silent, "no docstring"


def broad_handlers(path: Path) -> Iterator[int]:
    """Lines that catch everything and keep it; what is raised again is not caught."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            broad = any(kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD) for kind in kinds)
            if broad and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None):
                yield node.lineno


def test_catching_everything_is_justified() -> None:
    unjustified = []
    for path in modules():
        lines = path.read_text().splitlines()
        for line in broad_handlers(path):
            if "#" not in lines[line - 1] and not lines[line - 2].lstrip().startswith("#"):
                unjustified.append(shown(path, line))
    assert not unjustified, "say on the line or the one before it why everything may be caught"


def test_every_module_has_its_test() -> None:
    missing = []
    for path in modules():
        name = shown(path)
        if path.name == "__init__.py" or covered_elsewhere(name) or not has_behaviour(path):
            continue
        if not own_tests(path):
            missing.append(name)
    assert not missing, "no tests/<room>/test_<module>.py, and not listed in TESTED_ELSEWHERE"


def own_tests(path: Path) -> list[Path]:
    folder = ROOT / "tests" / path.parent.relative_to(PACKAGE)
    return [*folder.glob(f"test_{path.stem}.py"), *folder.glob(f"test_{path.stem}_*.py")]


def covered_elsewhere(name: str) -> bool:
    folder = name.rpartition("/")[0] + "/"
    return name in TESTED_ELSEWHERE or folder in TESTED_ELSEWHERE or folder.startswith("fastgw/dataplane/upstream/")


def has_behaviour(path: Path) -> bool:
    """Whether a module has a function with more than a docstring in it; pure data and protocols have none."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)) for step in node.body)
        for node in ast.walk(tree(path))
    )


def test_the_list_of_exceptions_is_true() -> None:
    gone = [name for name in TESTED_ELSEWHERE if not (ROOT / name).exists()]
    assert not gone
    needless = [name for name in TESTED_ELSEWHERE if name.endswith(".py") and own_tests(ROOT / name)]
    assert not needless, "these have a test of their own now"


def test_markdown_has_one_title() -> None:
    wrong = []
    for path in tracked("*.md"):
        text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
        if len(re.findall(r"^# ", text, re.MULTILINE)) != 1:
            wrong.append(shown(path))
    assert not wrong, "exactly one `# ` title is wanted"


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def test_nothing_is_left_for_later() -> None:
    left = [
        shown(path, number)
        for path, text in texts()
        if path != Path(__file__) and path.suffix in {".py", ".lua", ".js", ".sh", ".toml", ".md", ".yml"}
        for number, line in enumerate(text.splitlines(), 1)
        if WORK_MARKS.search(line)
    ]
    assert not left


def test_no_path_of_a_machine() -> None:
    found = [
        shown(path, number)
        for path, text in texts()
        if path != Path(__file__) and not shown(path).startswith(("requirements/", "docker/", "Dockerfile", ".ci/"))
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert not found


def test_lock_files_name_no_registry() -> None:
    named = [
        shown(path) for path, text in texts() if any(m in shown(path) for m in LOCK_FILES) and REGISTRIES.search(text)
    ]
    assert not named
