"""HTML: nothing that the author marked as content is lost, and what is no content goes."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.loaders.markup import html_document
from agentkit.loaders.text import normalize
from agentkit.loaders.writer import MarkdownWriter
from tests.unit.loaders.conftest import Load, Refusal

PAGE = """<!doctype html><html><head><title>Lamp | Shop</title><style>p{}</style></head><body>
<header><h1>The lamp</h1><nav><a href="/">Home</a></nav></header>
<main><h2>Power</h2><p>It draws   <b>41</b>&nbsp;watts,
on two lines.<br>And a third.</p>
<ol start="3"><li>three<ul><li>nested</li></ul></li><li>four</li></ol>
<dl><dt>Mass</dt><dd>2 kg</dd><dt>Colour</dt><dd><p>teal</p></dd></dl>
<table><caption>Prices</caption><tr><th>Model</th><th>Price</th></tr><tr><td>A|1</td><td>41 €</td></tr></table>
<pre>x  =  1
# not a heading</pre>
<aside>Buy now</aside><aside class="footnote">1: since 2019</aside>
<blockquote>Bright.<footer>Otto</footer></blockquote></main>
<footer>All rights reserved</footer><script>var secret</script></body></html>"""


def test_a_page_becomes_markdown(load: Load) -> None:
    assert load("lamp.html", PAGE).page_content == (
        "# The lamp\n\n## Power\n\nIt draws 41 watts, on two lines.\nAnd a third.\n\n"
        "3. three\n  - nested\n4. four\n\nMass: 2 kg\nColour: teal\n\n"
        "Prices\n\n| Model | Price |\n| --- | --- |\n| A\\|1 | 41 € |\n\n"
        "```\nx  =  1\n# not a heading\n```\n\n1: since 2019\n\nBright.\n\nOtto"
    )


def test_the_title_is_that_of_the_head(load: Load) -> None:
    assert load("lamp.html", PAGE).metadata["title"] == "Lamp | Shop"
    assert load("lamp.html", "<h2>First</h2><p>x").metadata["title"] == "First"
    assert load("lamp.html", "<p>x").metadata["title"] == "lamp"


def test_a_word_in_several_elements_stays_one_word(load: Load) -> None:
    text = load("a.html", "<h1>H<sub>2</sub>O</h1><table><tr><td><b>41</b>%</td></tr></table>").page_content
    assert text == "# H2O\n\n| 41% |"


def test_what_stands_above_the_line_is_no_digit_of_the_number_before_it(load: Load) -> None:
    page = (
        '<p>In 1912<sup><a href="#f1">3</a></sup> and 1913<a href="n#f2"><sup>4</sup></a>, 10<sup>6</sup> m<sup>2</sup>'
        ' were 5<a role="doc-noteref" href="#f3">*</a> on the 1<sup>st</sup>.<p><sup>3</sup> Note, <a href="#x">7</a>.'
    )
    assert load("a.html", page).page_content == ("In 1912[3] and 1913[4], 10^6 m^2 were 5[*] on the 1st.\n\n3 Note, 7.")
    pages = '<p><span epub:type="pagebreak" title="12">12</span>More<i role="doc-pagebreak">13</i>over.</p>'
    assert load("a.xhtml", pages).page_content == "Moreover."


def test_a_page_inside_a_form_keeps_its_text(load: Load) -> None:
    assert load("a.html", "<form><h1>Report</h1><p>fact</p><input><button>Go</button></form>").page_content == (
        "# Report\n\nfact"
    )


def test_a_table_that_arranges_the_page_is_read_cell_by_cell(load: Load) -> None:
    page = "<table><tr><td><h2>Left</h2><p>one</p></td><td><table><tr><td>in</td></tr></table></td></tr></table>"
    assert load("a.html", page).page_content == "## Left\n\none\n\n| in |"


def test_an_empty_main_element_does_not_hide_the_body(load: Load) -> None:
    assert load("a.html", "<main></main><p>fact</p>").page_content == "fact"


def test_one_short_article_does_not_hide_the_rest_of_the_page(load: Load) -> None:
    assert "handbook" in load("a.html", f"<p>{'handbook ' * 20}</p><article>a note</article>").page_content


def test_signs_that_point_at_a_heading_are_not_part_of_it(load: Load) -> None:
    page = "<h1>Care<a class='headerlink' href='#care'>¶</a></h1><p>See <a href='#n'>#</a> 5, <a href='#n'>§ 2</a>.</p>"
    document = load("a.html", page)
    assert document.page_content == "# Care\n\nSee 5, § 2."
    assert document.metadata["title"] == "Care"


def test_bars_that_turn_pages_go(load: Load) -> None:
    bars = (
        '<div><table><tr><td><a accesskey="p" href="a">Prev</a> ANALYZE</td><th>VACUUM</th></tr></table><hr></div>',
        '<div><p>Next: <a rel="next" href="b">B</a>, Up: <a rel="up" href="c">C</a> [<a href="i">Index</a>]</p></div>',
        '<ul><li><a accesskey="P" href="a">Prev</a></li><li>Book</li><li><a accesskey="N" href="b">Next</a></li></ul>',
    )
    for bar in bars:
        page = f"<body>{bar}<div>{bar}<h2>Lamp</h2><p>fact</p></div>{bar}"
        assert load("a.html", page).page_content == "## Lamp\n\nfact"


def test_a_link_to_another_page_within_a_sentence_stays(load: Load) -> None:
    page = '<p>See the <a rel="next" href="b">next chapter</a>.</p>'
    assert load("a.html", page).page_content == "See the next chapter."
    pair = '<a rel="prev" href="a">The last</a> and <a rel="next" href="b">the next part</a>'
    assert load("a.html", f"<div>{pair}<pre>code</pre></div>").page_content.startswith("The last and the next part")


LINKS = "<a href='a'>Home</a> <a href='b'>Handbooks</a> <a href='c'>Contact</a>"
LAMP = f"<h1>Lamp</h1><p>{'It shines. ' * 20}</p>"


@pytest.mark.parametrize("mark", ["class='sidebar'", "class='main-nav'", "class='menu mainMenu'", "id='NavBar'"])
def test_a_menu_that_only_its_name_tells_goes(load: Load, mark: str) -> None:
    page = f"<div {mark}>Go: <div class='submenu'>{LINKS}</div></div>{LAMP}<ul {mark}><li>{LINKS}</li></ul>"
    assert load("a.html", page).page_content == load("b.html", LAMP).page_content


@pytest.mark.parametrize(
    "part",
    [
        f"<div class='sidebar'><p>What a lumen is: {LINKS}, as was said in the first chapter.</p></div>",
        "<div class='nav'><a href='a'>Core</a>::<a href='b'>arch</a></div>",
        f"<div class='navigable' id='the-menu'>{LINKS}</div>",
        f"<div class='menu'><h1>Lunch</h1>{LINKS}</div>",
        f"<table class='menu'><tr><td>{LINKS}</td></tr></table>",
        f"<ul class='nav'><li><a href='a'>{'A headline that tells what has happened ' * 2}</a></ul>",
        f"<div class='toc'>{LINKS}</div>",
    ],
)
def test_what_a_name_calls_a_menu_and_says_more_than_links_stays(load: Load, part: str) -> None:
    assert len(load("a.html", part + LAMP).page_content) > len(load("b.html", LAMP).page_content)


def test_a_page_that_is_a_list_of_links_keeps_it(load: Load) -> None:
    page = f"<h1>Site</h1><ul class='nav'><li>{LINKS}</ul>"
    assert load("a.html", page).page_content == "# Site\n\n- Home Handbooks Contact"


def test_contents_go_where_the_page_says_them_again(load: Load) -> None:
    toc = "<ul class='toc'><li><a href='#a'>Lamp</a><li><a href='#b'>Care of it</a><li><a href='#c'>Price</a></ul>"
    page = f"{LAMP}<h2 id='b'>Care of it</h2><p>Wipe.</p>"
    whole = page + "<h2 id='c'>Price</h2><p>9</p>"
    assert load("a.html", toc + whole).page_content == load("b.html", whole).page_content
    assert "- Price" in load("c.html", toc + page).page_content


def test_the_ends_of_a_page_go_by_their_names(load: Load) -> None:
    page = (
        '<body><div id="banner">Get it</div><div id="header"><h1>Lamp</h1></div><p>fact</p><div id="footer">Now</div>'
    )
    assert load("a.html", page).page_content == "# Lamp\n\nfact"
    kept = '<body><div id="banner"><h2>Banners</h2>a</div><div><div class="footer">b</div></div><h2 id="footer">c</h2>'
    assert load("a.html", kept).page_content == "## Banners\n\na\n\nb\n\n## c"


def test_a_term_without_a_definition_has_no_colon(load: Load) -> None:
    page = "<dl><dt>right(a)</dt><dt>bisect(a)</dt><dd>after</dd><dd>or below</dd><dt>left</dt></dl>"
    assert load("a.html", page).page_content == "right(a)\nbisect(a): after\nor below\nleft"


def test_a_long_definition_stands_below_its_term() -> None:
    words = "every vessel that enters the basin is written down " * 6
    page = (
        f"<dl><dt>mass</dt><dd>2 kg</dd><dt>find(x)</dt><dt>look(x)</dt><dd><p>{words}</p><pre>if x:\n\n    y()</pre>"
        f"<dl><dt>x</dt><dd>{words}</dd></dl></dd></dl><p>after</p>"
    )
    assert html_document(page.encode())[0] == (
        f"mass: 2 kg\n\nfind(x)\nlook(x)\n  {words.strip()}\n\n  ```\n  if x:\n\n      y()\n  ```\n\n"
        f"  x\n    {words.strip()}\n\nafter"
    )


def test_the_heading_of_a_note_is_none_of_the_page(load: Load) -> None:
    page = '<h2>Care</h2><div class="note"><h3 class="title">Note</h3><p>Hot.</p></div><p>Dust it.</p>'
    assert load("a.html", page).page_content == "## Care\n\nNote\n\nHot.\n\nDust it."


def test_a_word_that_may_be_broken_stays_one_word(load: Load) -> None:
    assert load("a.html", "<h1>Sluice&shy;gate</h1><p>tide&#173;mill").page_content == "# Sluicegate\n\ntidemill"


def test_code_with_numbers_beside_its_lines_keeps_its_lines(load: Load) -> None:
    page = "<table><tr><td><pre>1\n2</pre></td><td><pre>if x:\n    y()</pre></td></tr></table>"
    assert load("a.html", page).page_content == "```\n1\n2\n```\n\n```\nif x:\n    y()\n```"


def test_comments_and_instructions_are_no_text(load: Load) -> None:
    assert load("a.html", "<p>a<!-- b --><?php c ?></p><template>d</template><p hidden>e</p>").page_content == "a"


def test_a_list_item_without_text_does_not_swallow_what_follows(load: Load) -> None:
    assert load("a.html", "<ul><li>a</li><li></li></ul><p>b</p>").page_content == "- a\n- \n\nb"


def test_a_fence_is_longer_than_those_in_the_code(load: Load) -> None:
    assert load("a.html", "<pre>```\nx\n```</pre>").page_content == "````\n```\nx\n```\n````"


def test_the_encoding_is_what_a_browser_would_take(load: Load) -> None:
    assert load("a.html", b'<meta charset="iso-8859-1"><p>41 \x80 \x93lamp\x94').page_content == "41 € “lamp”"
    assert load("a.html", '<meta charset="utf-8"><p>café'.encode("latin-1")).page_content == "café"
    assert load("a.html", '<meta charset="koi8-r"><p>Лампа'.encode("koi8-r")).page_content == "Лампа"


def test_elements_nested_without_end_keep_their_text(load: Load) -> None:
    page = "<div>" * 50_000 + "deep" + "</div>" * 50_000 + "<p>after</p>"
    assert load("a.html", page).page_content == "deep\n\nafter"


def test_lists_nested_without_end_keep_their_text(load: Load) -> None:
    text = load("a.html", "<ul><li>x" * 2000 + "deep").page_content
    assert text.count("x") == 2000
    assert text.endswith("deep")


def test_a_page_of_too_many_tags_is_refused_before_it_is_parsed(refusal: Refusal) -> None:
    started = perf_counter()
    assert "tags, over the limit" in refusal("a.html", "<b>" * 1_000_001)
    assert perf_counter() - started < 2


def test_the_heading_of_the_main_part_is_not_repeated(load: Load) -> None:
    page = "<header><h1>Shop</h1></header><main><h1>Lamp</h1><p>fact</p></main>"
    assert load("a.html", page).page_content == "# Lamp\n\nfact"
    assert load("a.html", "<nav><h1>Menu</h1></nav><main>fact</main>").page_content == "fact"


def test_a_page_without_text_is_refused(refusal: Refusal) -> None:
    assert refusal("a.html", "<script>x</script><nav>y</nav>") == "no text in it"
    assert refusal("a.html", b"charset=utf-8 " + bytes(range(256)) * 20) == "binary file"


@given(st.text(alphabet="ab<>/!-&;\"'= pdivhulo1t", max_size=200))
def test_any_markup_gives_text_or_nothing(source: str) -> None:
    from bs4 import BeautifulSoup

    from agentkit.errors import DocumentError
    from agentkit.loaders.markup import html_text

    try:
        text = html_text(BeautifulSoup(source, "lxml"))
    except DocumentError:
        return
    assert text == normalize(text).strip()


@given(st.lists(st.tuples(st.sampled_from(["write", "end_line", "end_block", "begin_item"]), st.text(" ab\n"))))
def test_the_writer_loses_no_letter_and_leaves_no_second_blank_line(pieces: list[tuple[str, str]]) -> None:
    writer = MarkdownWriter()
    for verb, text in pieces:
        match verb:
            case "write":
                writer.write(text)
            case "begin_item":
                writer.begin_item("- ")
            case _:
                getattr(writer, verb)()
    written = "".join(text for verb, text in pieces if verb == "write")
    assert "".join(writer.text().replace("- ", "").split()) == "".join(written.split())
    assert "\n\n\n" not in writer.text()
