"""Whatever a TOML file holds, the check ends, and every mistake has its place."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.providers import VENDORS
from fastgw.settings import check, load
from tests.settings.written import write


@pytest.mark.parametrize("wrong", ["providers = 3", "models = {}", "[[listen]]", "prices = 1", "guard.key = 'x'"])
def test_a_table_of_the_wrong_shape_is_one_mistake(tmp_path: Path, wrong: str) -> None:
    (mistake,) = check({}, write(tmp_path, wrong), VENDORS)
    assert mistake.line == 1
    assert "Is not a" in mistake.message


VALUES = ["1", "-1", "1.5", "true", '"text"', '""', "[]", '["a", "a/b"]', "[1]", "{}", "{ name = 1 }", "[[]]", "[{}]"]
TABLES = ["[listen]", "[guard.key]", "[[providers]]", "[[providers.credentials]]", "[providers.tls]", "[[models]]"]
KEYS = ["name", "vendor", "base_url", "targets", "secret_env", "models", "headers", "port", "trusted_proxies", "x.y"]
TOPS = ["profile", "providers", "models", "prices", "guard", "guard.key", "key_prefix", 'prices."a/b"']


@given(
    st.lists(st.tuples(st.sampled_from(TOPS), st.sampled_from(VALUES)), max_size=4),
    st.lists(
        st.tuples(st.sampled_from(TABLES), st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)))),
        max_size=4,
    ),
)
def test_no_file_breaks_the_check_and_every_mistake_has_its_place(
    tops: list[tuple[str, str]], tables: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    lines = [f"{key} = {value}" for key, value in tops]
    for table, pairs in tables:
        lines += [table, *(f"{key} = {value}" for key, value in pairs)]
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), "\n".join(lines))
        mistakes = check({"OPENAI_API_KEY": "k"}, file, VENDORS)
        for mistake in mistakes:
            assert mistake.file == str(file)
            assert 1 <= mistake.line <= max(len(lines), 1)
            assert mistake.message
            assert mistake.remedy
        if not mistakes:
            load({"OPENAI_API_KEY": "k"}, file, VENDORS)
