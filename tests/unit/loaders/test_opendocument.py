"""ODT: all that a reader of the document sees, in its order."""

from tests.unit.loaders import samples
from tests.unit.loaders.conftest import Load


def test_odt_keeps_headings_lists_and_tables(load: Load) -> None:
    body = (
        '<text:h text:outline-level="2">Lamp<text:s text:c="2"/>care</text:h><text:p>Wipe<text:tab/>it.</text:p>'
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>two</text:p>"
        "</text:list-item></text:list></text:list-item></text:list><table:table><table:table-row><table:table-cell>"
        "<text:p>a|b</text:p></table:table-cell></table:table-row></table:table>"
    )
    text = load("a.odt", samples.odt(body)).page_content
    assert text == "## Lamp care\n\nWipe\tit.\n\n- one\n  - two\n\n| a\\|b |\n| --- |"


def test_a_numbered_heading_of_odt_is_a_heading(load: Load) -> None:
    item = "<text:list><text:list-item>{}</text:list-item></text:list>"
    heading = item.format('<text:h text:outline-level="2">Care</text:h><text:p>Wipe.</text:p>')
    body = item.format(heading) + item.format("<text:p># 5</text:p>")
    assert load("a.odt", samples.odt(body)).page_content == "## Care\n\nWipe.\n\n- # 5"


def test_a_table_inside_of_an_odt_table_is_read_once(load: Load) -> None:
    cell = "<table:table-cell>{}</table:table-cell>"
    row = f"<table:table-row>{cell}{cell.format('<text:p>b</text:p>')}</table:table-row>"
    table = f"<table:table><table:table-header-rows>{row}</table:table-header-rows></table:table>"
    text = load("a.odt", samples.odt(table.format(table.format("<text:p>a|</text:p>")))).page_content
    assert text == "| a\\| b | b |\n| --- | --- |"


def test_what_stands_in_an_odt_paragraph_is_apart_from_its_words(load: Load) -> None:
    box = "<draw:frame><draw:text-box><text:p>One</text:p><text:p>two</text:p></draw:text-box></draw:frame>"
    note = "<text:note><text:note-body><text:p>Sic.</text:p><text:p>Really.</text:p></text:note-body></text:note>"
    picture = "<draw:frame><svg:title>Mill</svg:title><svg:desc>A photo</svg:desc></draw:frame>"
    paragraphs = (f"Box:{box}end", f"Lamp\u00ads{note}", f"{picture}The <text:title>T</text:title>")
    body = "".join(f"<text:p>{paragraph}</text:p>" for paragraph in paragraphs)
    text = load("a.odt", samples.odt(body)).page_content
    assert text == "Box:\nOne\n\ntwo\nend\n\nLamps (Sic. Really.)\n\nThe T"


def test_numbers_of_odt_lists_and_headings_stand_before_them(load: Load) -> None:
    def numbered(*texts: str, style: str = "", more: str = "") -> str:
        items = (f"<text:list-item><text:p>{text}</text:p></text:list-item>" for text in texts)
        return f'<text:list text:style-name="{style}" {more}>{"".join(items)}</text:list>'

    level = '<text:list-level-style-number text:level="{}" style:num-format="{}" style:num-suffix="{}" {}/>'
    deep = level.format(2, "a", ")", 'text:display-levels="2"')
    styles = (
        f'<text:list-style style:name="L">{level.format(1, 1, ".", "")}{deep}</text:list-style>'
        '<text:list-style style:name="B"><text:list-level-style-bullet text:level="1"/></text:list-style>'
        '<text:outline-style><text:outline-level-style text:level="1" style:num-format="I"/></text:outline-style>'
    )
    first = numbered("gates", "sill", style="L").replace("</text:p>", f"</text:p>{numbered('open', 'shut')}", 1)
    last = numbered("anew", "nine", style="L").replace(
        "list-item><text:p>n", 'list-item text:start-value="9"><text:p>n'
    )
    point, mill = numbered("point", style="B"), numbered("mill", style="L", more='text:continue-numbering="true"')
    body = (
        f'<text:h text:outline-level="1">Care</text:h>{first}<text:h text:outline-level="1">Rest</text:h>'
        f"{point}{mill}{last}"
    )
    assert load("a.odt", samples.odt(body, styles)).page_content == (
        "# I Care\n\n1. gates\n  1.a) open\n  1.b) shut\n2. sill\n\n# II Rest\n\n- point\n\n3. mill\n\n1. anew\n9. nine"
    )
