"""Makes the data files of this folder: one small table of purchases, damaged in one way per file.

    pip install openpyxl==3.1.5 xlwt==1.3.0 odfpy==1.4.1 zstandard==0.25.0 msoffcrypto-tool==6.1.0 pyarrow==26.0.1
    python make.py

The texts are bytes on purpose: what matters here is what an editor does not show.
"""

import base64
import datetime
import gzip
import hashlib
import io
import pathlib
import re
import sqlite3
import struct
import zipfile
import zlib

import msoffcrypto
import msoffcrypto.format.ooxml
import msoffcrypto.method.rc4
import openpyxl
import pyarrow
import pyarrow.parquet
import pyarrow.parquet.encryption
import xlwt
import zstandard
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from odf import opendocument, table, text
from openpyxl.styles import Font

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import ARC4

HERE = pathlib.Path(__file__).parent
HEADER = ["Customer", "Invoice", "Quantity", "Price", "Date", "Country"]
ROWS = [
    ["12346", "A1", "2", "4.50", "2024-01-05 09:15", "France"],
    ["12347", "A2", "1", "12.00", "2024-02-14 18:30", "Germany"],
    ["00042", "A3", "-1", "4.50", "2024-03-01 10:00", "Côte d'Ivoire"],
    ["12346", "A4", "10", "1250.25", "2024-03-20 12:45", "France"],
    ["12348", "A5", "3", "0.395", "2024-05-31 23:30", ""],
    ["12347", "A6", "4", "30.00", "2024-06-30 16:00", "Bosnia, Herzegovina"],
]


def line(cells, delimiter=","):
    quoted = ['"' + cell.replace('"', '""') + '"' if set(cell) & set(delimiter + '"\n') else cell for cell in cells]
    return delimiter.join(quoted)


def csv(rows=ROWS, header=HEADER, delimiter=",", end="\n"):
    return end.join(line(cells, delimiter) for cells in [header] + rows) + end


def column(name, change):
    """The table with one column changed cell by cell."""
    place = HEADER.index(name)
    return [cells[:place] + [change(cells[place])] + cells[place + 1 :] for cells in ROWS]


def cells(name, values):
    values = iter(values)
    return column(name, lambda _: next(values))


def dates(form):
    return column("Date", lambda cell: datetime.datetime.fromisoformat(cell).strftime(form))


def write(name, content):
    path = HERE / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def texts():
    clean = csv()
    write("clean.csv", clean)
    # Encodings.
    write("byte_order_mark.csv", "\ufeff" + clean)
    write("utf_16.csv", b"\xff\xfe" + clean.encode("utf-16-le"))
    write("utf_16_big_endian.csv", b"\xfe\xff" + clean.encode("utf-16-be"))
    write("utf_32.csv", b"\xff\xfe\0\0" + clean.encode("utf-32-le"))
    write("utf_16_without_mark.csv", clean.encode("utf-16-le"))
    write("windows_1252.csv", clean.encode("cp1252"))
    write("old_macintosh.csv", clean.encode("mac_roman"))
    write("one_row_in_another_encoding.csv", clean.replace("Germany", "Österreich").encode().replace(b"\xc3\x96", b"\xd6"))
    write("half_a_character.csv", clean.encode().replace("ô".encode(), b"\xc3") + "12349,A7,1,2,2024-06-30,Perú\n".encode())
    write("lost_characters.csv", clean.replace("ô", "\ufffd"))
    write("encoded_twice.csv", clean.encode().decode("cp1252"))
    write("zero_bytes.csv", clean.encode() + b"\0" * 64)
    # Lines and quotes.
    write("carriage_returns.csv", csv(end="\r"))
    write("windows_line_ends.csv", csv(end="\r\n"))
    write("mixed_line_ends.csv", clean.replace("Germany\n", "Germany\r\n").replace("France\n", "France\r", 1))
    write("no_last_line_end.csv", clean.rstrip("\n"))
    write("blank_lines.csv", "\n" + clean.replace("\n", "\n\n  \n,, ,,,\n"))
    write("line_end_in_a_cell.csv", clean.replace("Bosnia, Herz", "Bosnia,\nHerz").replace("30.00", "free"))
    write("quote_within_a_cell.csv", clean.replace("Germany", '"the "German" shop"'))
    write("open_quote_at_the_end.csv", clean.replace('Herzegovina"', "Herzegovina"))
    write("open_quote.csv", clean.replace("Germany", '"Germany'))
    write("row_too_short.csv", clean.replace(",Germany", ""))
    write("row_too_long.csv", clean.replace("4.50,2024-01", "4,50,2024-01"))
    write("delimiters_at_the_end.csv", clean.replace("\n", ",\n"))
    write("delimiters_at_the_end_of_rows.csv", clean.replace("\n", ",\n").replace("Country,", "Country"))
    # Delimiters.
    comma = column("Price", lambda cell: cell.replace(".", ","))
    write("semicolons_and_decimal_commas.csv", csv(comma, delimiter=";"))
    write("tabs.tsv", csv(delimiter="\t"))
    write("bars.csv", csv(delimiter="|"))
    fixed = [HEADER[:4] + ["Date"]] + [r[:4] + [r[4][:10]] for r in ROWS]
    write("blanks.txt", "".join("  ".join(f"{cell:>9}" for cell in cells) + "\n" for cells in fixed))
    write("line_that_names_the_delimiter.csv", "sep=;\n" + csv(delimiter=";"))
    write("unusual_delimiter.csv", csv(delimiter="^"))
    write("two_delimiters.csv", "who,when,a;b;c\n12346,2024-01-05,x;y;z\n12347,2024-02-14,p;q;r\n")
    # Archives.
    write("gzip.csv.gz", gzip.compress(clean.encode(), mtime=0))
    write("zstd.csv.zst", zstandard.compress(clean.encode()))
    write("gzip_cut_off.csv.gz", gzip.compress(clean.encode() * 9, mtime=0)[:-20])
    write("zstd_cut_off.csv.zst", zstandard.compress(clean.encode() * 9)[:-20])
    # Around the table.
    write("titles.csv", "Sales by customer,,,,,\nfirst half of 2024,,,,,\n\n" + clean)
    write("titles_above_columns_by_number.csv", "Sales by customer\nfirst half of 2024\n" + clean)
    write("total.csv", clean + "Total,,19,1301.645,,\n")
    write("total_that_looks_like_a_purchase.csv", clean + "Total,B1,19,1301.645,2024-06-30,France\n")
    write("subtotals.csv", clean.replace("12348,", "12346 Total,,12,1254.75,,\n12348,"))
    write("note_below.csv", clean + "printed on 2024-07-01\n")
    write("header_again.csv", clean + csv(ROWS[:2]))
    # Headers.
    write("no_header.csv", clean.split("\n", 1)[1])
    write("only_rows.csv", clean.split("\n", 1)[1])
    write("padded_headers.csv", csv(header=[" CUSTOMER", "Invoice ", "quantity", "Price", "Date", "Country"]))
    write("renamed_header.csv", csv(header=HEADER[:3] + ["Unit Price"] + HEADER[4:]))
    write("header_twice.csv", csv([r + ["1.00"] for r in ROWS], HEADER + ["Price"]))
    write("nameless_columns.csv", csv([[""] + r + ["x"] for r in ROWS], [""] + HEADER + [""]))
    write("other_order.csv", csv([r[::-1] for r in ROWS[3:]], HEADER[::-1]))
    write("first_half.csv", csv(ROWS[:3]))
    # Numbers.
    write("thousands_and_currency.csv", csv(column("Price", lambda cell: f"£{float(cell):,.3f}")))
    write("thousands_or_decimals.csv", csv(cells("Price", ["4", "12", "5", "1,250", "2", "30"])))
    write("decimal_point_and_comma.csv", csv(cells("Price", ["4.50", "12.00", "4,50", "1250.25", "0.395", "30.00"])))
    write("apostrophes.csv", csv(column("Price", lambda cell: f"{float(cell):,.3f}".replace(",", "'"))))
    write("narrow_blanks.csv", csv(column("Price", lambda cell: f"{float(cell):,.3f}".replace(",", "\u202f"))))
    write("brackets.csv", csv(column("Quantity", lambda cell: cell.replace("-1", "(1)"))))
    write("minus_behind.csv", csv(column("Quantity", lambda cell: cell.replace("-1", "1-"))))
    write("long_minus.csv", csv(column("Quantity", lambda cell: cell.replace("-", "−"))))
    write("percent_signs.csv", csv(cells("Price", ["4.50", "12%", "4.50", "1250.25", "0.395", "30.00"])))
    write("not_a_number.csv", csv(cells("Price", ["4.50", "NaN", "inf", "1250.25", "0.395", "30.00"])))
    write("gigantic_number.csv", csv(cells("Price", ["4.50", "1e308", "4.50", "1250.25", "0.395", "30.00"])))
    write("too_many_decimals.csv", csv(cells("Price", ["4.50", "12.0000000001", "4.50", "1250.25", "0.395", "30.00"])))
    write("binary_noise.csv", csv(cells("Price", ["4.5", "12.000000000000002", "4.5", "1250.25", "0.39500000000000002", "30"])))
    write("sign_and_code.csv", csv(cells("Price", ["£4.50", "GBP 12.00", "£4.50", "1250.25 GBP", "£0.395", "30.00"])))
    write("currency_of_others.csv", csv(column("Price", lambda cell: "$" + cell)))
    write("two_currencies.csv", csv(cells("Price", ["£4.50", "€12.00", "£4.50", "£1250.25", "£0.395", "£30.00"])))
    write("words_for_numbers.csv", csv(cells("Quantity", ["2", "one", "-1", "10", "3 pcs", "4"])))
    write("half_a_piece.csv", csv(cells("Quantity", ["2", "1.5", "-1", "10", "3.0", "4"])))
    # Ids and texts.
    write("ids_with_decimal_points.csv", csv(cells("Customer", ["12346.0", "12347", "42", "12346", "12348", "12347.0"])))
    write("rounded_ids.csv", csv(cells("Customer", ["8.90123E+12", "12347", "00042", "8.90123E+12", "12348", "12347"])))
    write("ids_in_both_cases.csv", csv(cells("Customer", ["Ada@x.org", "ben@x.org", "cleo", "ada@x.org", "dora", "ben@x.org"])))
    write("padded_ids.csv", csv(column("Customer", lambda cell: f" {cell}\u00a0")))
    write("invisible_characters.csv", csv(cells("Customer", ["12346\u200b", "12347", "00042", "12346", "12348", "12347"])))
    write("missing_ids.csv", csv(cells("Customer", ["12346", "", "00042", "  ", "12348", "12347"])))
    write("words_for_nothing.csv", csv(cells("Country", ["France", "Germany", "NULL", "France", "", "NULL"])))
    write("words_for_no_number.csv", csv(cells("Price", ["4.50", "n/a", "4.50", "1250.25", "n/a", "30.00"])))
    write("formula_errors.csv", csv(cells("Country", ["France", "#N/A", "#N/A", "France", "", "Spain"])))
    # Dates.
    write("day_first.csv", csv(dates("%d/%m/%Y %H:%M")))
    write("month_first.csv", csv(dates("%m/%d/%Y %H:%M")))
    ambiguous = ["05/01/2024", "02/02/2024", "01/03/2024", "03/04/2024", "05/06/2024", "06/07/2024"]
    write("day_or_month_first.csv", csv(cells("Date", ambiguous)))
    write("day_and_month_first.csv", csv(cells("Date", ["13/01/2024", "01/14/2024"] + ambiguous[2:])))
    mixed = ["05.01.2024", "2024-02-14", "01.03.2024 10:00", "20.03.2024", "31.05.2024", "30.06.2024"]
    write("several_forms_of_dates.csv", csv(cells("Date", mixed)))
    write("years_of_two_digits.csv", csv(dates("%d.%m.%y %H:%M")))
    write("months_in_words.csv", csv(dates("%d %B %Y %H:%M")))
    write("morning_and_afternoon.csv", csv(dates("%Y/%m/%d %I:%M %p")))
    write("days_that_are_not.csv", csv(cells("Date", ["2024-01-05", "2024-02-30", "0000-00-00", "2024-03-20", "2024-05-31", "2024-06-31"])))
    write("times_of_dates.csv", clean)
    write("offsets.csv", csv(column("Date", lambda cell: cell.replace(" ", "T") + ":00+02:00")))
    write("seconds_since_1970.csv", csv(column("Date", lambda cell: str(int(datetime.datetime.fromisoformat(cell + "+00:00").timestamp())))))
    write("dates_without_marks.csv", csv(dates("%Y%m%d %H:%M")))
    write("days_as_numbers.csv", csv(cells("Date", ["45296", "45336", "45352", "45371", "45443", "45473"])))
    write("months_of_another_language.csv", csv(cells("Date", ["5. Januar 2024", "14. Februar 2024", "1. März 2024", "20. März 2024", "31. Mai 2024", "30. Juni 2024"])))
    # No table at all.
    write("page.xls", "<html><body><table><tr><td>Customer</td></tr></table></body></html>")
    write("objects.csv", '[{"Customer": "12346", "Price": 4.5}]')
    write("document.pdf", "%PDF-1.7\n")
    write("empty.csv", "")
    write("only_a_header.csv", csv([]))


STAMP = datetime.datetime(2024, 7, 1)


def number(cell):
    try:
        return float(cell) if "." in cell else int(cell)
    except ValueError:
        return cell


def typed(rows=ROWS):
    """Cells as a spreadsheet has them, ids and invoices as texts."""
    return [
        [r[0], r[1], number(r[2]), number(r[3]), datetime.datetime.fromisoformat(r[4]), r[5] or None] for r in rows
    ]


def book(rows=None, title="Orders"):
    workbook = openpyxl.Workbook()
    workbook.properties.created = workbook.properties.modified = STAMP
    sheet = workbook.active
    sheet.title = title
    for cells in rows if rows is not None else [HEADER] + typed():
        sheet.append(cells)
    return workbook


def save(workbook, name, change=lambda part, content: content, names=None):
    """Saves a workbook with the same bytes every time, its parts changed on the way."""
    buffer = io.BytesIO()
    workbook.save(buffer)
    parts = zipfile.ZipFile(buffer)
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as out:
        for part in parts.namelist():
            content = parts.read(part)
            if part == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[0-9:]+Z", b"2024-07-01T00:00:00Z", content)
            content = change(part, content)
            out.writestr(zipfile.ZipInfo(part), content, zipfile.ZIP_DEFLATED)


def in_sheet(change):
    return lambda part, content: change(content.decode()).encode() if part == "xl/worksheets/sheet1.xml" else content


def workbooks():
    save(book(), "workbook.xlsx")
    write("workbook_by_another_name.csv", (HERE / "workbook.xlsx").read_bytes())
    write("text_by_the_name_of_a_workbook.xlsx", csv())

    several = book(title="2023")
    several.create_sheet("2024").append(HEADER)
    for cells in typed()[3:]:
        several["2024"].append(cells)
    several["2023"].delete_rows(5, 9)
    save(several, "several_sheets.xlsx")

    hidden = book()
    lookup = hidden.create_sheet("Lookup", 0)
    lookup.append(["Code", "Name"])
    lookup.sheet_state = "hidden"
    hidden.active = 1
    save(hidden, "hidden_sheet.xlsx")

    counted = book()
    counted.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    save(counted, "days_since_1904.xlsx")

    numbers = book([HEADER] + [[int(r[0])] + r[1:] for r in typed()])
    save(numbers, "ids_as_numbers.xlsx")
    for row in range(2, 8):
        numbers.active.cell(row, 1).number_format = "00000"
    save(numbers, "codes_with_zeros.xlsx")

    save(book([HEADER] + ROWS), "all_cells_are_texts.xlsx")

    errors = book()
    errors.active["D3"] = "#N/A"
    errors.active["F5"] = "#REF!"
    save(errors, "error_cells.xlsx")

    formulas = book()
    formulas.active["D3"] = "=10+2"
    save(formulas, "formulas_without_values.xlsx")

    merged = book(sorted(typed()))
    merged.active.insert_rows(1)
    for place, name in enumerate(HEADER, 1):
        merged.active.cell(1, place, name)
    merged.active.merge_cells("A3:A4")
    merged.active.merge_cells("A5:A6")
    save(merged, "merged_cells.xlsx")

    filtered = book()
    filtered.active.row_dimensions[4].hidden = True
    save(filtered, "hidden_rows.xlsx")
    filtered = book()
    filtered.active.column_dimensions["D"].hidden = True
    save(filtered, "hidden_columns.xlsx")

    report = book([["Sales by customer"], [None], ["first half of 2024"], HEADER] + typed() + [["Total", None, 19, 1301.645]])
    report.active["A1"].font = Font(bold=True)
    save(report, "titles_and_total.xlsx")

    beside = book([[None] * 2 + r for r in [HEADER] + typed()])
    beside.active["A3"] = "checked"
    beside.active["A9"] = "by Ann"
    save(beside, "table_in_the_middle.xlsx")

    corner = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    save(book(), "cell_in_the_far_corner.xlsx", in_sheet(lambda xml: xml.replace("</sheetData>", corner)))
    save(book(), "cell_outside_the_grid.xlsx", in_sheet(lambda xml: xml.replace("</sheetData>", corner.replace("XFD1048576", "XFE9").replace("1048576", "9"))))
    save(book(), "texts_that_are_not_there.xlsx", in_sheet(lambda xml: xml.replace('t="inlineStr"><is><t>A1</t></is>', 't="s"><v>999</v>')))
    save(book(), "tags_that_do_not_close.xlsx", in_sheet(lambda xml: xml[: len(xml) * 2 // 3]))

    days = book()
    for row in range(2, len(ROWS) + 2):
        days.active.cell(row, 5).number_format = "General"
    save(days, "days_shown_as_numbers.xlsx")

    codes = book()
    codes.active["B3"] = datetime.datetime(2024, 3, 4)
    save(codes, "codes_made_dates.xlsx")

    whole = (HERE / "workbook.xlsx").read_bytes()
    write("workbook_cut_off.xlsx", whole[: len(whole) // 2])
    secret = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(whole)).encrypt("secret", secret)
    write("password.xlsx", secret.getvalue())

    old = xlwt.Workbook()
    sheet = old.add_sheet("Orders")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    for row, cells in enumerate([HEADER] + typed()):
        for place, cell in enumerate(cells):
            if isinstance(cell, datetime.datetime):
                sheet.write(row, place, cell, moment)
            elif cell is not None:
                sheet.write(row, place, cell)
    old.save(str(HERE / "workbook.xls"))

    write("password.xls", xls_with_password())
    write("workbook.xlsb", xlsb())
    ods()
    ods_with_password()


def xls_with_password():
    """workbook.xls under the RC4 encryption of Excel 97 [MS-XLS, MS-OFFCRYPTO]; no library writes it."""
    whole = bytearray((HERE / "workbook.xls").read_bytes())
    # The stream begins after the header and is in one piece, as it is the first that was written.
    start, salt, verifier = 512, bytes(range(16)), bytes(range(16, 32))
    assert whole[start : start + 2] == b"\x09\x08"

    def keystream(length):
        block_key = lambda block: msoffcrypto.method.rc4._makekey("secret", salt, block)
        out = b""
        while len(out) < length:
            out += arc4(block_key(len(out) // 1024), bytes(1024))
        return out

    hashed = hashlib.md5(verifier).digest()
    sealed = arc4(msoffcrypto.method.rc4._makekey("secret", salt, 0), verifier + hashed)
    password = struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + salt + sealed
    at, records = start, []
    while at + 4 <= len(whole):
        kind, length = struct.unpack_from("<HH", whole, at)
        if kind == 0 and length == 0:
            break
        records.append((kind, at, length))
        at += 4 + length
    # The record of who wrote it has room for the one of the password.
    kind, place, length = next(record for record in records if record[0] == 0x5C)
    rest = struct.pack("<HH", 0x5C, length - len(password)) + bytes(length - len(password))
    whole[place : place + 4 + length] = password + rest
    records = [record for record in records if record[1] != place] + [(0x5C, place + len(password), length - len(password))]
    stream = keystream(at - start)
    for kind, place, length in records:
        if kind == 0x809:
            continue
        # The places of sheets in the stream stay readable.
        for byte in range(place + 4 + (4 if kind == 0x85 else 0), place + 4 + length):
            whole[byte] ^= stream[byte - start]
    msoffcrypto.OfficeFile(io.BytesIO(bytes(whole))).load_key(password="secret")
    assert b"Germany" not in whole
    return bytes(whole)


def arc4(key, data):
    return Cipher(ARC4(key), mode=None).encryptor().update(data)


def ods_with_password():
    """workbook.ods under a password, part by part [OpenDocument 1.3, part 2], and then as one part that holds all."""
    parts = zipfile.ZipFile(HERE / "workbook.ods")
    kind = parts.read("mimetype").decode()

    def sealed(content):
        packed = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packed.compress(content) + packed.flush()
        key = hashlib.pbkdf2_hmac("sha1", hashlib.sha256(b"secret").digest(), b"s" * 16, 100000, 32)
        padder = padding.ANSIX923(128).padder()
        cipher = Cipher(algorithms.AES(key), modes.CBC(b"i" * 16)).encryptor()
        text = lambda value: base64.b64encode(value).decode()
        entry = (
            '<manifest:encryption-data manifest:checksum-type="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0#sha256-1k" '
            f'manifest:checksum="{text(hashlib.sha256(packed[:1024]).digest())}">'
            '<manifest:algorithm manifest:algorithm-name="http://www.w3.org/2001/04/xmlenc#aes256-cbc" '
            f'manifest:initialisation-vector="{text(b"i" * 16)}"/>'
            '<manifest:key-derivation manifest:key-derivation-name="PBKDF2" manifest:key-size="32" '
            f'manifest:iteration-count="100000" manifest:salt="{text(b"s" * 16)}"/></manifest:encryption-data>'
        )
        return cipher.update(padder.update(packed) + padder.finalize()), entry

    def manifest(entries):
        lines = "".join(
            f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="text/xml">{inner}</manifest:file-entry>'
            for path, inner in entries
        )
        space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        return f'<manifest:manifest xmlns:manifest="{space}" manifest:version="1.3">{lines}</manifest:manifest>'

    content, entry = sealed(parts.read("content.xml"))
    whole, around = sealed((HERE / "workbook.ods").read_bytes())
    for name, part, data, entries in [
        ("password.ods", "content.xml", content, [("/", ""), ("content.xml", entry)]),
        ("password_of_the_whole.ods", "encrypted-package", whole, [("encrypted-package", around)]),
    ]:
        with zipfile.ZipFile(HERE / name, "w") as out:
            out.writestr(zipfile.ZipInfo("mimetype"), kind)
            out.writestr(zipfile.ZipInfo(part), data)
            out.writestr(zipfile.ZipInfo("META-INF/manifest.xml"), manifest(entries), zipfile.ZIP_DEFLATED)


def xlsb():
    """A binary workbook, record by record [MS-XLSB]; no library writes them."""

    def record(kind, body=b""):
        head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return head + bytes([len(body)]) + body

    def wide(text):
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(place, value):
        if isinstance(value, datetime.datetime):
            days = (value - datetime.datetime(1899, 12, 30)) / datetime.timedelta(days=1)
            return record(5, struct.pack("<IId", place, 1, days))
        if isinstance(value, str):
            return record(6, struct.pack("<II", place, 0) + wide(value))
        return record(5, struct.pack("<IId", place, 0, value))

    sheet = record(0x81) + record(0x94, struct.pack("<4I", 0, 6, 0, 5)) + record(0x91)
    for row, cells in enumerate([HEADER] + typed()):
        sheet += record(0, struct.pack("<I", row) + bytes(13))
        sheet += b"".join(cell(place, value) for place, value in enumerate(cells) if value is not None)
    sheet += record(0x92) + record(0x82)
    bundle = record(0x9C, struct.pack("<II", 0, 1) + wide("rId1") + wide("Orders"))
    formats = b"".join(record(0x2F, struct.pack("<HH", 0, number) + bytes(12)) for number in [0, 22])
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    relation = '<Relationships xmlns="%s"><Relationship Id="rId1" Type="%s" Target="%s"/></Relationships>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for part, content in [
            ("[Content_Types].xml", "<Types/>"),
            ("_rels/.rels", relation % (space, kind + "officeDocument", "xl/workbook.bin")),
            ("xl/workbook.bin", record(0x83) + record(0x8F) + bundle + record(0x90) + record(0x84)),
            ("xl/_rels/workbook.bin.rels", relation % (space, kind + "worksheet", "worksheets/sheet1.bin")),
            ("xl/styles.bin", record(0x269, struct.pack("<I", 2)) + formats + record(0x26A)),
            ("xl/worksheets/sheet1.bin", sheet),
        ]:
            out.writestr(zipfile.ZipInfo(part), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def ods():
    document = opendocument.OpenDocumentSpreadsheet()
    document.meta.childNodes.clear()
    sheet = table.Table(name="Orders")
    for cells in [HEADER] + typed():
        row = table.TableRow()
        for cell in cells:
            if cell is None:
                row.addElement(table.TableCell())
            elif isinstance(cell, str):
                held = table.TableCell(valuetype="string")
                held.addElement(text.P(text=cell))
                row.addElement(held)
            elif isinstance(cell, datetime.datetime):
                row.addElement(table.TableCell(valuetype="date", datevalue=cell.isoformat()))
            else:
                row.addElement(table.TableCell(valuetype="float", value=cell))
        sheet.addElement(row)
    document.spreadsheet.addElement(sheet)
    buffer = io.BytesIO()
    document.save(buffer)
    parts = zipfile.ZipFile(buffer)
    with zipfile.ZipFile(HERE / "workbook.ods", "w", zipfile.ZIP_DEFLATED) as out:
        for part in parts.namelist():
            stored = zipfile.ZIP_STORED if part == "mimetype" else zipfile.ZIP_DEFLATED
            out.writestr(zipfile.ZipInfo(part), parts.read(part), stored)


def databases():
    """Files of SQLite, small: pages of 512 bytes."""

    def store(name, *statements):
        path = HERE / f"{name}.db"
        path.unlink(missing_ok=True)
        held = sqlite3.connect(path, isolation_level=None)
        held.execute("PRAGMA page_size = 512")
        for statement in statements:
            held.execute(*statement) if isinstance(statement, tuple) else held.execute(statement)
        held.close()
        return path.read_bytes()

    columns = "Customer, Invoice, Quantity, Price, Date, Country"

    def orders(rows=ROWS, table="orders"):
        values = [[cell or None if isinstance(cell, str) else cell for cell in cells] for cells in rows]
        insert = f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)"
        return [f"CREATE TABLE {table} ({columns})"] + [(insert, cells) for cells in values]

    sound = store("one_table", *orders())
    store("several_tables", *orders(), "CREATE TABLE returns (invoice, reason)")
    typed = [
        [int(cells[0]) if cells[0][0] != "0" else cells[0], cells[1], cells[2], float(cells[3]), *cells[4:]]
        if place % 2
        else [cells[0], cells[1], int(cells[2]), cells[3], *cells[4:]]
        for place, cells in enumerate(ROWS)
    ]
    store("a_type_for_each_value", *orders(typed))
    odd = [list(cells) for cells in ROWS]
    odd[1][2], odd[3][3], odd[4][5] = "two", "for free", b"\x00\xff"
    store("values_that_do_not_fit", *orders(odd), "DELETE FROM orders WHERE rowid = 1")
    seconds = lambda cell: int(datetime.datetime.fromisoformat(cell + "+00:00").timestamp())
    store("seconds", *orders(column("Date", seconds)))
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"
    store("endless_view", *orders(table="lines"), f"CREATE VIEW orders AS SELECT * FROM lines WHERE ({endless}) > 0")
    store("with_changes_beside", *orders())
    write("with_changes_beside.db-wal", b"\x37\x7f\x06\x82" + bytes(28))
    write("database_cut_off.db", sound[:700])
    page = bytearray(sound)
    page[512:560] = bytes([127]) * 48
    write("database_with_a_broken_page.db", bytes(page))
    hidden = b"".join(hashlib.sha256(bytes([place])).digest() for place in range(64))
    write("encrypted_database.db", hidden)


class Keys(pyarrow.parquet.encryption.KmsClient):
    """Keeps keys where nobody should: the case is a file whose keys are not at hand."""

    def __init__(self, _):
        super().__init__()

    def wrap_key(self, key, _):
        return key.hex()

    def unwrap_key(self, key, _):
        return bytes.fromhex(key)


def parquets():
    day = datetime.datetime.fromisoformat
    decimal = pyarrow.decimal128(12, 3)
    typed = {
        "Customer": pyarrow.array([cells[0] for cells in ROWS]).dictionary_encode(),
        "Invoice": pyarrow.array([cells[1] for cells in ROWS]),
        "Quantity": pyarrow.array([int(cells[2]) for cells in ROWS], pyarrow.int32()),
        "Price": pyarrow.array([cells[3] for cells in ROWS]).cast(decimal),
        "Date": pyarrow.array([day(cells[4]) for cells in ROWS], pyarrow.timestamp("ms")),
        "Country": pyarrow.array([cells[5] or None for cells in ROWS]),
    }
    texts = {name: pyarrow.array([cells[place] or None for cells in ROWS]) for place, name in enumerate(HEADER)}
    prices = [float(cells[3]) for cells in ROWS]

    def store(name, columns, **options):
        pyarrow.parquet.write_table(pyarrow.table(columns), HERE / f"{name}.parquet", **options)

    store("columns_with_types", typed, compression="zstd")
    store("columns_of_texts", texts, compression="gzip", use_dictionary=False)
    store("row_groups", typed, row_group_size=2, data_page_version="2.0", compression="brotli")
    ids = [float(cells[0]) for cells in ROWS]
    store("ids_as_doubles", typed | {"Customer": pyarrow.array(ids)})
    store("prices_as_doubles", typed | {"Price": pyarrow.array(prices)})
    store("prices_as_singles", typed | {"Price": pyarrow.array(prices, pyarrow.float32())})
    thirds = [value if place != 2 else 1 / 3 for place, value in enumerate(prices)]
    store("a_third", typed | {"Price": pyarrow.array(thirds)})
    odd = [value if place != 2 else float("nan") for place, value in enumerate(prices)]
    store("not_a_finite_number", typed | {"Price": pyarrow.array(odd[:4] + [float("inf")] + odd[5:])})
    store("halves", typed | {"Quantity": pyarrow.array([2, 1, -1, 10, 2.5, 4])})
    store("instants", typed | {"Date": typed["Date"].cast(pyarrow.timestamp("us", "UTC"))})
    store("nanoseconds", typed | {"Date": typed["Date"].cast(pyarrow.timestamp("ns"))}, version="2.6")
    store("old_timestamps", typed, use_deprecated_int96_timestamps=True)
    far = [day(cells[4]) for cells in ROWS[:5]] + [datetime.datetime(960, 1, 1)]
    store("before_the_year_1000", typed | {"Date": pyarrow.array(far, pyarrow.timestamp("us"))})
    letters = pyarrow.array([cells[5].encode() or None for cells in ROWS])
    store("texts_as_bytes", typed | {"Country": letters})
    wrong = [cells[5].encode("latin-1") or None for cells in ROWS]
    store("bytes_that_are_no_text", typed | {"Country": pyarrow.array(wrong)})
    lists = pyarrow.array([[value] for value in prices])
    store("lists", typed | {"Price": lists})
    store("lists_beside", typed | {"Items": lists})

    sound = (HERE / "columns_with_types.parquet").read_bytes()
    write("parquet_cut_off.parquet", sound[: len(sound) * 2 // 3])
    page = bytearray(sound)
    page[60:70] = bytes(10)
    write("parquet_with_a_broken_page.parquet", bytes(page))
    factory = pyarrow.parquet.encryption.CryptoFactory(Keys)
    config = pyarrow.parquet.encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": HEADER}, double_wrapping=False
    )
    keys = factory.file_encryption_properties(pyarrow.parquet.encryption.KmsConnectionConfig(), config)
    with pyarrow.parquet.ParquetWriter(
        HERE / "parquet_with_keys.parquet", pyarrow.table(texts).schema, encryption_properties=keys
    ) as out:
        out.write_table(pyarrow.table(texts))


if __name__ == "__main__":
    texts()
    workbooks()
    parquets()
    databases()
