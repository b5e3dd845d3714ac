"""The index of positions knows exactly the paths that tomllib knows, each at its own line."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.settings.mistakes import Path
from fastgw.settings.positions import positions


def paths_of(value: Any, path: Path = ()) -> set[Path]:
    found = {path}
    if isinstance(value, dict):
        for key, item in value.items():
            found |= paths_of(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found |= paths_of(item, (*path, index))
    return found


EVERYTHING = '''\
# a comment [not.a.table]
title = "x # no comment" # comment
[a] # comment
b.c = 1
b."d e" = 2
'f.g' = """
[not.a.table]
key = 1
"""
h = [ # comment ]
  1, [ "x]", 'y]' ],
  { z = 1, "w \\u0041" = [2] },
]

[a.sub.deep]
x = 1979-05-27 07:32:00
[[rows]]
name = 'one'
[[rows.inner]]
k = true
[[rows.inner]]
[rows.table]
m = \'\'\'
""" \'\' "\'\'\'
[[rows]]
last = """ends with quotes""\\""""""
tail = +1_000.5e-3
[ "quoted \\" key" . plain ]
end = { }
'''


def test_every_form_of_toml_has_its_line() -> None:
    lines = positions(EVERYTHING)
    assert set(lines) == paths_of(tomllib.loads(EVERYTHING))
    assert {path: lines[path] for path in lines if path[:1] in {("a",), ("title",)}} == {
        ("title",): 2,
        ("a",): 3,
        ("a", "b"): 4,
        ("a", "b", "c"): 4,
        ("a", "b", "d e"): 5,
        ("a", "f.g"): 6,
        ("a", "h"): 10,
        ("a", "h", 0): 11,
        ("a", "h", 1): 11,
        ("a", "h", 1, 0): 11,
        ("a", "h", 1, 1): 11,
        ("a", "h", 2): 12,
        ("a", "h", 2, "z"): 12,
        ("a", "h", 2, "w A"): 12,
        ("a", "h", 2, "w A", 0): 12,
        ("a", "sub"): 15,
        ("a", "sub", "deep"): 15,
        ("a", "sub", "deep", "x"): 16,
    }
    assert lines[("rows",)] == lines[("rows", 0)] == 17
    assert lines[("rows", 0, "inner", 1)] == 21
    assert lines[("rows", 0, "table", "m")] == 23
    assert lines[("rows", 1)] == 25
    assert lines[("rows", 1, "tail")] == 27
    assert lines[('quoted " key', "plain", "end")] == 29


@pytest.mark.parametrize("text", ["", "\n\n", "# only", "a = 1", "a = 1\r\n\r\nb = 2\r\n", "[a]", "[[a]]\n[[a]]"])
def test_small_texts(text: str) -> None:
    assert set(positions(text)) == paths_of(tomllib.loads(text))


def test_windows_line_ends_count_once() -> None:
    assert positions('a = """x\r\ny"""\r\nb = 2\r\n')[("b",)] == 3


STRINGS = ['"plain"', '"a # b \\" ] }"', "'[x] = \"'", '"""one\n[two]\nthree = 4\n"""', "'''a\n''b\n#c'''", '""', "''"]
SCALARS = ["1", "-1_000", "0x1F", "3.5e2", "inf", "true", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", *STRINGS]
BARE = st.text("abcXYZ019_-", min_size=1, max_size=4)
KEY = st.one_of(
    BARE.map(lambda key: (key, key)),
    st.text('ab #.=[]"\\', max_size=4).map(
        lambda key: (key, '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"')
    ),
    st.text("ab #.=[]", max_size=4).map(lambda key: (key, f"'{key}'")),
)
GAP = st.sampled_from(["", " ", "\t "])
BREAK = st.sampled_from(["", " ", "\n", " # ] } , comment\n", "\n\n  "])


class Writer:
    """Writes a random TOML text, and notes where everything ends up."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {(): 1}

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def gap(self, strategy: st.SearchStrategy[str] = GAP) -> None:
        self.text += self.draw(strategy)

    def value(self, path: Path, depth: int) -> None:
        kind = self.draw(st.sampled_from(["scalar", "array", "table"] if depth else ["scalar"]))
        if kind == "scalar":
            self.text += self.draw(st.sampled_from(SCALARS))
        elif kind == "array":
            self.text += "["
            count = self.draw(st.integers(0, 3))
            for index in range(count):
                self.gap(BREAK)
                self.note((*path, index))
                self.value((*path, index), depth - 1)
                self.gap(BREAK)
                self.text += "," if index < count - 1 or self.draw(st.booleans()) else ""
            self.gap(BREAK)
            self.text += "]"
        else:
            self.text += "{"
            pairs = self.draw(st.lists(KEY, max_size=3, unique_by=lambda pair: pair[0]))
            for index, pair in enumerate(pairs):
                self.text += ", " if index else ""
                self.pair(path, [pair], depth - 1)
                self.gap()
            self.text += "}"

    def pair(self, table: Path, keys: list[tuple[str, str]], depth: int) -> None:
        path = table
        for key, _ in keys:
            path = (*path, key)
            self.note(path)
        self.text += self.draw(st.sampled_from([".", " . "])).join(written for _, written in keys)
        self.gap()
        self.text += "="
        self.gap()
        self.value(path, depth)

    def body(self, table: Path) -> None:
        used: set[str] = set()
        for keys in self.draw(st.lists(st.lists(KEY, min_size=1, max_size=3), max_size=4)):
            if keys[0][0] not in used:
                used.add(keys[0][0])
                self.gap()
                self.pair(table, keys, 2)
                self.text += self.draw(st.sampled_from(["\n", " # comment\n", "\n\n"]))

    def document(self) -> None:
        self.body(())
        taken = {path[0] for path in self.lines if path}
        for name, written in self.draw(st.lists(KEY, max_size=3, unique_by=lambda pair: pair[0])):
            if name in taken:
                continue
            if self.draw(st.booleans()):
                self.note((name,))
                self.text += f"[ {written} ]\n"
                self.body((name,))
                continue
            for index in range(self.draw(st.integers(1, 3))):
                self.note((name,))
                self.note((name, index))
                self.text += f"[[{written}]] # comment\n"
                if self.draw(st.booleans()):
                    self.note((name, index, "sub"))
                    self.note((name, index, "sub", "deep"))
                    self.text += f"[{written} . sub.deep]\n"
                    self.body((name, index, "sub", "deep"))


@st.composite
def written(draw: st.DrawFn) -> Writer:
    writer = Writer(draw)
    writer.document()
    return writer


@given(written())
def test_every_path_of_any_text_is_found_at_its_line(writer: Writer) -> None:
    assert paths_of(tomllib.loads(writer.text)) == set(writer.lines)
    assert positions(writer.text) == writer.lines
