"""Reading the descriptor of a Darwin Core Archive."""

import pytest

from faunalens.data.maintain.occurrences.darwin_core import MOST_META, ArchiveError, TextFormat, read_meta

META = """<?xml version="1.0" encoding="UTF-8"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">
  <core {attributes} rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0"/>
    <field index="2" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
    <field default="PRESENT" term="http://rs.tdwg.org/dwc/terms/occurrenceStatus"/>
  </core>
</archive>"""


def meta(attributes: str = "", **replaced: str) -> bytes:
    text = META.format(attributes=attributes)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text.encode()


EVENTS = b"""<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core rowType="http://rs.tdwg.org/dwc/terms/Event"><files><location>event.txt</location></files><id index="0"/></core>
  <extension rowType="http://rs.tdwg.org/dwc/terms/Occurrence">
    <files><location>occurrence.txt</location></files><coreid index="0"/>
  </extension>
</archive>"""


def test_occurrences_may_be_an_extension_of_events() -> None:
    found = read_meta(EVENTS)
    assert found.core is not None
    assert (found.core.files, found.records.files) == (("event.txt",), ("occurrence.txt",))
    assert not found.is_checklist
    # AND have a type from before the standard
    data = meta(**{"http://rs.tdwg.org/dwc/terms/Occurrence": "http://rs.tdwg.org/dwc/xsd/simpledarwincore/DarwinCore"})
    assert read_meta(data) == read_meta(meta())


def test_separators_are_escapes_and_columns_have_indexes() -> None:
    attributes = r'encoding="ISO-8859-1" fieldsTerminatedBy="\t" linesTerminatedBy="\r\n" fieldsEnclosedBy="" '
    attributes += 'ignoreHeaderLines="2"'
    found = read_meta(meta(attributes)).records
    constants, files = {"occurrenceStatus": "PRESENT"}, ("occurrence.txt",)
    columns = ("", "", "scientificName")
    assert found == TextFormat(columns, constants, "\t", "", "iso8859-1", 2, identity=0, files=files)
    # AND what is left out has the defaults of the standard
    left = read_meta(meta()).records
    assert (left.delimiter, left.quote, left.encoding, left.header_lines) == (",", '"', "utf-8", 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<archive", "not XML"),
        (b"<archive/>", "no core"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><archive/>', "document type"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><archive/>'.encode("utf-16"), "document type"),
        (b" " * (MOST_META + 1), "more than 1,048,576 bytes"),
        (meta(Occurrence="Identification"), "core of the archive is Identification; expected Occurrence, Event, Taxon"),
        (meta(Occurrence="Taxon"), "has Taxon as its core, but no extension Occurrence or Distribution"),
        (EVENTS.replace(b"<coreid", b"<other"), "no coreid for Occurrence"),
        (EVENTS.replace(b'coreid index="0"', b'coreid index="x"'), "the index of coreid is 'x'"),
        (meta(**{"<location>occurrence.txt</location>": ""}), "names no file"),
        (meta('encoding="UTF-16"'), "convert it to UTF-8"),
        (meta('encoding="no such"'), "unknown encoding"),
        (meta('fieldsTerminatedBy="::"'), "expected one character for each"),
        (meta('linesTerminatedBy=";"'), "ends lines with"),
        (meta(**{"</core>": f"</core><!--{' ' * (1 << 20)}-->"}), "more than 1,048,576 bytes"),
        (meta(**{'index="2"': 'index="two"'}), "not a number"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        read_meta(data)
