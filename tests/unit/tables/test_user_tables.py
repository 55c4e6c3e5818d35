"""Tables of users in every dialect that programs write: read as they are meant, or one sentence with file and line."""

import itertools
import time
import unicodedata

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nearlabel.tables import read_user_table

COLUMNS = ["path", "label", "note"]
ROWS = [
    ["gut/Prüfling 1.png", "007", "1,5"],
    ["gut/b.png", "NA", 'say "no"'],
    ["naß/c;d.png", "1.0", ""],
    ["e.png", "", "two | bars"],
    ["f.png", "null", "größer"],
]
PLAIN = [["a.png", "007", "x"], ["b.png", "NA", "1.0"]]


def as_text(rows, separator=",", end="\n", quote_all=False):
    def cell(text):
        if quote_all or any(c in text for c in (separator, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text

    return "".join(separator.join(map(cell, row)) + end for row in rows)


ENCODINGS = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "UTF-16 LE with a mark": lambda text: ("\ufeff" + text).encode("utf-16-le"),
    "UTF-16 BE with a mark": lambda text: ("\ufeff" + text).encode("utf-16-be"),
    "UTF-32 with a mark": lambda text: ("\ufeff" + text).encode("utf-32-le"),
    "Windows-1252": lambda text: text.encode("cp1252"),
}
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


def dialects():
    for (encoding, encode), separator, (ends, end), quote_all in itertools.product(
        ENCODINGS.items(), ",;\t|", LINE_ENDS.items(), (False, True)
    ):
        text = as_text([COLUMNS, *ROWS], separator, end, quote_all)
        yield f"{encoding}, {separator!r}, {ends}, quotes {'all' if quote_all else 'few'}", encode(text), ROWS


def frame_bytes(**options):
    return pd.DataFrame(PLAIN, columns=COLUMNS).to_csv(**options).encode()


LONG = "1 " * 200_000 + "1"
HEAD = "path,label,note\n"
LINES = "a.png,007,x\nb.png,NA,1.0\n"
CHINESE = [["好/一.png", "划痕", "坏"], ["好/二.png", "无", ""]]
SPOKEN = {
    "French": [["pièce.png", "défaut", "à côté"]],
    "Spanish": [["peña.png", "sí", "año"]],
    "typographic": [["a.png", "5° – “ok”", "½ mm²"]],
    "Danish": [["a.png", "Ærø", "Ødelagt"]],
}

# What a program writes, and the rows that are meant.
WRITTEN = {
    "pandas, with its index": (frame_bytes(), PLAIN),
    "pandas, without": (frame_bytes(index=False), PLAIN),
    "pandas, semicolons and index": (frame_bytes(sep=";"), PLAIN),
    "R, write.csv": (b'"","path","label","note"\n"1","a.png","007","x"\n"2","b.png","NA","1.0"\n', PLAIN),
    "R, write.table": (b'"path" "label" "note"\n"1" "a.png" "007" "x"\n"2" "b.png" "NA" "1.0"\n', PLAIN),
    "R, write.table, sep=,": (b'"path","label","note"\n"1","a.png","007","x"\n"2","b.png","NA","1.0"\n', PLAIN),
    "R, write.csv2": (b'"";"path";"label";"note"\n"1";"a.png";"007";"x"\n"2";"b.png";"NA";"1.0"\n', PLAIN),
    "R, some rows taken": (b'"path","label","note"\n"17","a.png","007","x"\n"4","b.png","NA","1.0"\n', PLAIN),
    "Excel, sep=;": (b"sep=;\r\npath;label;note\r\na.png;007;x\r\nb.png;NA;1.0\r\n", PLAIN),
    "Excel, quoted sep=,": (b'"sep=,"\r\n' + (HEAD + LINES).encode(), PLAIN),
    "Excel, SEP and tab": ("\ufeffSEP=\t\r\npath\tlabel\tnote\r\na.png\t007\tx\r\nb.png\tNA\t1.0".encode(), PLAIN),
    "Excel, Unicode text": ("path\tlabel\tnote\r\na.png\t007\tx\r\nb.png\tNA\t1.0\r\n".encode("utf-16"), PLAIN),
    "commas at every end": (b"path,label,note,\na.png,007,x,\nb.png,NA,1.0,\n", PLAIN),
    "commas at the ends of rows": (b"path,label,note\na.png,007,x,\nb.png,NA,1.0,,\n", PLAIN),
    "a comma at the header's end": (b"path,label,note,\na.png,007,x\nb.png,NA,1.0\n", PLAIN),
    "a column without a name": (b"path,label,note,\na.png,007,x,seen\nb.png,NA,1.0,\n", PLAIN),
    "empty rows at the end": ((HEAD + LINES + ",,\n,,\n").encode(), PLAIN),
    "empty lines": (("\n\n" + HEAD + "\n" + LINES.replace("b", "\r\n  \nb")).encode(), PLAIN),
    "no line end at the end": ((HEAD + LINES).rstrip().encode(), PLAIN),
    "Ctrl-Z at the end": ((HEAD + LINES + "\x1a").encode(), PLAIN),
    "two marks": (("\ufeff\ufeff" + HEAD + LINES).encode(), PLAIN),
    "mixed line ends": (b"path,label,note\r\na.png,007,x\nb.png,NA,1.0\r", PLAIN),
    "spaces after separators": (b"path, label, note\na.png, 007, x\nb.png, NA, 1.0\n", PLAIN),
    "spaces before quotes": (b'path, label, note\n"a.png", "007", "x"\n"b.png", "NA", "1.0"\n', PLAIN),
    "spaces around": (b" path ; label ;note\n a.png ; 007; x \nb.png ;NA ;1.0\t\n", PLAIN),
    "spaces for separators": (b"path label note\na.png   007 x\n  b.png NA    1.0\n", PLAIN),
    "spaces, quotes": (b'path label note\n"a b.png" 007 "x ""y"""\n', [["a b.png", "007", 'x "y"']]),
    "capitals": (b"Path,LABEL,Note\na.png,007,x\nb.png,NA,1.0\n", PLAIN),
    "no-break space": ((" path\xa0,label,note\n" + LINES).encode(), PLAIN),
    "further columns": (b"id,note,path,x,label\n1,x,a.png,,007\n2,1.0,b.png,y,NA\n", PLAIN),
    "further columns called alike": (b"path,x,x,label,note\na.png,1,2,007,x\nb.png,1,2,NA,1.0\n", PLAIN),
    "empty cells left out": (b"path,label,note\na.png,007,x\nb.png\n", [PLAIN[0], ["b.png", "", ""]]),
    "a line break in quotes": (b'path,label,note\n"a\r\nb.png",007,"x\ny"\n', [["a\r\nb.png", "007", "x\ny"]]),
    "quotes within a cell": (b'path,label,note\n5" disc.png,007,x\n', [['5" disc.png', "007", "x"]]),
    "an apostrophe": (b"path,label,note\nit's.png,007,x\n", [["it's.png", "007", "x"]]),
    "decimal commas": (b"path;label;note\na.png;1,5;2,5\n", [["a.png", "1,5", "2,5"]]),
    "quoted decimal commas": (b'path,label,note\na.png,"1,5","2,5"\n', [["a.png", "1,5", "2,5"]]),
    "commas in a header with semicolons": (b"path;label;note;a,b,c,d\na.png;007;x;1\n", PLAIN[:1]),
    "a space that is meant": (b'path,label,note\n" a.png",007,x\n', [[" a.png", "007", "x"]]),
    "words that mean nothing elsewhere": (
        b"path,label,note\nNA,nan,None\nnull,TRUE,-\n1e3,0x10,1_000\n",
        [["NA", "nan", "None"], ["null", "TRUE", "-"], ["1e3", "0x10", "1_000"]],
    ),
    "a formula": (b'path,label,note\n=a.png,007,"=1+1"\n', [["=a.png", "007", "=1+1"]]),
    "letters of a Mac": (
        as_text([COLUMNS, [unicodedata.normalize("NFD", "ü.png"), "ü", "x"]]).encode(),
        [[unicodedata.normalize("NFD", "ü.png"), "ü", "x"]],
    ),
    "Chinese, UTF-8": (as_text([COLUMNS, *CHINESE]).encode(), CHINESE),
    "Chinese, UTF-16 without a mark": (as_text([COLUMNS, *CHINESE]).encode("utf-16-le"), CHINESE),
    "Chinese, UTF-16 BE without a mark": (as_text([COLUMNS, *CHINESE]).encode("utf-16-be"), CHINESE),
    "emoji": (as_text([COLUMNS, ["🔩.png", "👍", ""]]).encode(), [["🔩.png", "👍", ""]]),
    "a long cell": (as_text([COLUMNS, ["a.png", LONG, ""]]).encode(), [["a.png", LONG, ""]]),
    "a header alone": (HEAD.encode(), []),
} | {
    f"{language}, Windows-1252": (as_text([COLUMNS, *rows], ";").encode("cp1252"), rows)
    for language, rows in SPOKEN.items()
}  # fmt: skip

# What cannot be read, and words of the one sentence that says so.
REFUSED = {
    "an empty file": (b"", "is empty"),
    "a mark alone": (b"\xef\xbb\xbf", "is empty"),
    "blank lines": (b"\r\n \r\n", "is empty"),
    "commas alone": (b",,,\n,,\n", "has no header"),
    "a workbook": (b"PK\x03\x04\x14\0\x06\0", "is an Excel workbook (.xlsx)"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Excel workbook"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "is a PNG image"),
    "a web page": (b"<!DOCTYPE html><html>", "is a web page"),
    "an archive": (b"\x1f\x8b\x08\0", "is a gzip archive"),
    "bytes": (b"path,label,note\n\0\0\0\1\2", "line 1: holds bytes that are no text"),
    "half a letter": ("path,label,note\nä".encode("utf-16")[:-1], "line 2: not valid UTF-16-LE"),
    "a mark that lies": (b"\xef\xbb\xbfpath,label,note\na\xfc.png,1,x\n", "line 2: not valid UTF-8"),
    "MacRoman": ("path,label,note\nPrüfung.png,1,Größe\n".encode("mac-roman"), "line 2: not UTF-8 (byte 0x9f)"),
    "Cyrillic": ("path,label,note\na.png,хорошо,\n".encode("cp1251"), "line 2: not UTF-8"),
    "Polish": ("path,label,note\na.png,płyta,dźwięk\n".encode("cp1250"), "line 2: not UTF-8"),
    "Japanese": ("path,label,note\na.png,良品,\n".encode("shift-jis"), "line 2: not UTF-8"),
    "Chinese": ("path,label,note\na.png,划痕缺陷,\n".encode("gbk"), "line 2: not UTF-8"),
    "an open quote": (b'path,label,note\na.png,1,x\n"b.png,2,y\nc.png,3,z\n', "line 3: a quote is not closed"),
    "an open quote that another closes": (b'path,label,note\n"a.png,1,x\nb.png,"2",y\n', "line 2: a quote is"),
    "an open quote in the header": (b'path,"label,note\na.png,1,x\n', "a quote is not closed"),
    "text after a quote": (b'path,label,note\n"a".png,1,x\n', "line 2: a quote is not closed, or text follows"),
    "an open quote between spaces": (b'path label note\n"a.png 1 x\n', "line 2: a quote is not closed"),
    "a comma in the first row": (b"path,label,note\na.png,dull, scratched,x\n", "line 2: 4 cells where the header"),
    "a comma in a later row": ((HEAD + LINES + "c.png,dull, red,x\n").encode(), "line 4: 4 cells where the header"),
    "a comma in every row": (b"path,label,note\na.png,1,2,x\nb.png,1,2,x\n", "line 2: 4 cells where the header"),
    "a comma in each of its names": (b"path,label,note\n1,a.png,1,2\n1,b.png,1,2\n", "line 2: 4 cells"),
    "a semicolon": (b"path;label;note\na.png;1;2;x\n", "put quotes around a cell that holds a semicolon"),
    "a space": (b"path label note\nmy file.png 1 x\n", "put quotes around a cell that holds a space"),
    "after a line break in quotes": (b'path,label,note\n"a\nb.png",1,x\nc.png,1,2,x\n', "line 4: 4 cells"),
    "after sep=": (b"sep=,\r\npath,label,note\r\na.png,1,2,x\r\n", "line 3: 4 cells"),
    "after empty lines, CR": (b"\r\rpath,label,note\ra.png,1,2,x\r", "line 4: 4 cells"),
    "rows with another separator": (b"path,label,note\na.png;1;x\nb.png;1;x\n", "line 2: 1 cell where the header"),
    "another column": (b"path,lable,note\na.png,1,x\n", "it has 'path', 'lable', 'note'; did you mean 'lable'?"),
    "no such column": (b"file;class\na.png;1\n", "no column 'path'; it has 'file', 'class'."),
    "two of one name": (b"path,label,label,note\na.png,1,2,x\n", "2 columns are called 'label'"),
    "two of one meaning": (b"path,Label,LABEL,note\na.png,1,2,x\n", "2 columns are called 'label'"),
    "no header": (b"a.png,1,x\nb.png,2,y\n", "has no header: its first line ('a.png', '1', 'x') is a row; write"),
    "no header, spaces": (b"images/a.png  1.0   mono\nimages/b.png  0.0   poly\n", "has no header: its first line"),
    "no header, one row": (b"a.png", "has no header"),
}  # fmt: skip


def outcome_of(path, content):
    path.write_bytes(content)
    try:
        cells, lines, _ = read_user_table(path, COLUMNS)
    except ValueError as error:
        return str(error)
    assert len(lines) == len(cells["path"])
    return [list(row) for row in zip(*cells.values(), strict=True)]


def test_every_dialect_is_read_or_refused_in_a_sentence(tmp_path, capsys):
    path = tmp_path / "list.csv"
    right = [*dialects(), *((name, content, rows) for name, (content, rows) in WRITTEN.items())]
    wrong = [f"{name}: {found}" for name, content, rows in right if (found := outcome_of(path, content)) != rows]
    for name, (content, words) in REFUSED.items():
        found = outcome_of(path, content)
        one_sentence = isinstance(found, str) and found.startswith(str(path)) and "\n" not in found
        wrong += [] if one_sentence and words in found else [f"{name}: {found}"]
    with capsys.disabled():
        print(f"\ntables: {len(right)} read, {len(REFUSED)} refused, {len(wrong)} wrong")
    assert wrong == [] and len(right) >= 200


def test_lines_are_those_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'sep=;\r\n\r\npath;note\r\n"a\r\nb";x\r\n;\r\nc;y\r\n')
    table = read_user_table(tmp_path / "a.csv", ["path"], ["label", "note"])
    assert table.lines == [4, 7] and list(table.cells) == ["path", "note"]


def test_windows_1252_is_remarked_on_and_utf_8_is_not(tmp_path):
    for encoding, words in (("cp1252", "is not UTF-8; read as Windows-1252"), ("utf-8", "")):
        (tmp_path / "a.csv").write_text("path\nü.png\n", encoding=encoding)
        assert read_user_table(tmp_path / "a.csv", ["path"]).remark.startswith(words)


@pytest.mark.parametrize("name", ["image_id", "Image ID", "IMAGE-ID", " image id"])
def test_names_of_columns_in_any_case_and_spacing(tmp_path, name):
    (tmp_path / "a.csv").write_text(f"x,{name}\n1,a.png\n", encoding="utf-8")
    assert read_user_table(tmp_path / "a.csv", ["image_id"]).cells == {"image_id": ["a.png"]}


def test_the_exact_name_comes_first(tmp_path):
    (tmp_path / "a.csv").write_text("Label,label\nA,b\n", encoding="utf-8")
    assert read_user_table(tmp_path / "a.csv", ["label"]).cells == {"label": ["b"]}


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv: no such file"):
        read_user_table(tmp_path / "none.csv", ["path"])
    with pytest.raises(ValueError, match="is a folder, not a table"):
        read_user_table(tmp_path, ["path"])


def test_a_hundred_thousand_rows_take_about_a_second(tmp_path):
    rows = [[f"folder/{i}.png", "good", str(i)] for i in range(100_000)]
    (tmp_path / "a.csv").write_text(as_text([COLUMNS, *rows], quote_all=True), encoding="utf-8")
    start = time.process_time()
    assert read_user_table(tmp_path / "a.csv", COLUMNS).cells["path"][-1] == "folder/99999.png"
    assert time.process_time() - start < 3


PIECES = st.sampled_from(
    [b"path", b"label", b",", b";", b"\t", b" ", b'"', b"\n", b"\r", b"\0", b"\xff", b"\xfe", b"\xef\xbb\xbf", b"sep=",
     b"1", b"a.png", "ü".encode(), "ü".encode("cp1252"), b"|", b"\x1a"]
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.lists(PIECES, max_size=25).map(b"".join))
@example(b'path\n"\r')
def test_any_bytes_are_a_table_or_a_sentence(tmp_path, content):
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    try:
        cells, lines, _ = read_user_table(path, ["path"], ["label"])
    except ValueError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert all(len(column) == len(lines) for column in cells.values())
