"""Definitions: no part of a long one is without its term, and none is lost or put below another's."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.documents import Document

from agentkit.chunkers import ChunkLimits, chunk_document
from agentkit.chunkers.chunk import Section
from agentkit.chunkers.terms import FIND_DEFINITIONS, with_terms
from agentkit.loaders.markup import html_document

WORDS = "every vessel that enters the inner basin is written down here " * 6
PAGE = f"""<h1>Register</h1>
<dl><dt>find(x)</dt><dt>look(x)</dt><dd><p>First {WORDS}</p><p>Second {WORDS}</p><pre>def f():
    return</pre><p>New in 3.10.</p></dd>
<dt>short</dt><dd>One line.</dd>
<dt>class Book</dt><dd><p>Third {WORDS}</p><dl><dt>add(y)</dt><dd><p>Fourth {WORDS}</p><p>Fifth {WORDS}</p>
<p>Sixth {WORDS}</p></dd></dl></dd></dl><p>Behind {WORDS}</p>"""


def headings_of(words: str) -> set[tuple[str, ...]]:
    document = Document(html_document(PAGE.encode())[0], metadata={"format": "html"})
    chunks = chunk_document(document, ChunkLimits(overlap_chars=0), lambda text: len(text) // 4)
    return {chunk.heading_path for chunk in chunks if words in chunk.text}


def test_a_part_of_a_long_definition_has_its_term_among_the_headings() -> None:
    assert headings_of("First every") == headings_of("New in 3.10") == {("Register", "look(x)")}
    assert headings_of("Fifth every") == headings_of("Sixth every") == {("Register", "class Book", "add(y)")}


def test_what_stands_beside_long_definitions_is_below_none() -> None:
    assert headings_of("One line.") == headings_of("Behind every") == {("Register",)}


def test_a_heading_stands_with_the_first_definition_below_it() -> None:
    assert headings_of("# Register") == headings_of("find(x)") == {("Register", "look(x)")}


def test_code_and_lists_are_no_definitions() -> None:
    text = f"```\ndef f():\n    {WORDS}\n```\n\n- item\n  - {WORDS}\n\nparagraph\n\n  apart {WORDS}"
    whole = Section(0, len(text), ("Code",))
    assert [section for section in with_terms(text, [whole], "html", max_chars=100) if section.end > section.start] == [
        whole
    ]


def paths(text: str, form: str) -> dict[str, tuple[str, ...]]:
    """The first words of the last line of each chunk, and its headings."""
    chunks = chunk_document(
        Document(text, metadata={"format": form}),
        ChunkLimits(max_chars=500, overlap_chars=0),
        lambda text: len(text) // 4,
    )
    return {" ".join(line.split()[:2]): chunk.heading_path for chunk in chunks for line in chunk.text.splitlines()}


def test_definitions_of_restructuredtext() -> None:
    found = paths(
        f"""Register
========

Before.

``keep``
  First {WORDS}

  Second {WORDS}

.. py:function:: find(x)
                 find(y)

   Third {WORDS}

   inner : str
      Fourth {WORDS}

      Fifth {WORDS}

Beside {WORDS}

- Item
  Sixth {WORDS}

.. note:: Careful

   Seventh {WORDS}

Two lines
of a paragraph
   Eighth {WORDS}

Code::

   def f():
     Ninth {WORDS}
""",
        "rst",
    )
    assert found["Second every"] == ("Register", "``keep``")
    assert found["Third every"] == ("Register", "find(x)")
    assert found["Fifth every"] == ("Register", "find(x)", "inner : str")
    for name in ("Beside every", "Sixth every", "Seventh every", "Eighth every", "Ninth every"):
        assert found[name] == ("Register",), name


def test_definitions_of_asciidoc() -> None:
    found = paths(
        f"""== Options

-q::
--quiet::
\tFirst {WORDS}
+
Second {WORDS}
+
----
not::
----
+
--
Third {WORDS}

near;; Fourth {WORDS}
+
Fifth {WORDS}

far;;
Sixth {WORDS}
--

[[all]]--all:: Seventh {WORDS}

* Eighth {WORDS}

  Ninth {WORDS}

Beside {WORDS}
std:: is no term of {WORDS}

Title
-----
Behind {WORDS}

Last {WORDS}
""",
        "asciidoc",
    )
    assert found["Second every"] == found["Third every"] == ("Options", "--quiet")
    assert found["Fifth every"] == ("Options", "--quiet", "near")
    assert found["Sixth every"] == ("Options", "--quiet", "far")
    assert found["* Eighth"] == found["Ninth every"] == ("Options", "--all")
    for name in ("Beside every", "std:: is", "Behind every", "Last every"):
        assert found[name] == ("Options",), name


STARTS = [
    "",
    "a",
    "bb: c",
    "- d",
    "```",
    "# e",
    "f::",
    "g;; h",
    "+",
    "--",
    "----",
    ".. option:: i",
    ".. envvar::",
    "j:: k",
]


@given(
    st.sampled_from([*FIND_DEFINITIONS]),
    st.lists(st.tuples(st.sampled_from(["", "  ", "    "]), st.sampled_from(STARTS))),
)
def test_sections_cover_the_text_in_order(form: str, lines: list[tuple[str, str]]) -> None:
    text = "\n".join(indent + line for indent, line in lines)
    for max_chars in (1, 5, 20):
        at = 0
        for section in with_terms(text, [Section(0, len(text))], form, max_chars=max_chars):
            assert section.start == at
            assert section.end >= at
            at = section.end
        assert at == len(text)
