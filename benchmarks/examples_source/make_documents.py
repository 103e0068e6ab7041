"""Writes the PDF and DOCX files of `examples/` from the texts beside this script: run it after changing one.

    python benchmarks/examples_source/make_documents.py

Each text file is paragraphs parted by blank lines; `# ` begins a heading, `---` a new page (PDF only), and lines with
` | ` are the rows of a table.
"""

from pathlib import Path

from docx import Document
from reportlab.lib import pagesizes
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

_HERE = Path(__file__).parent
_EXAMPLES = _HERE.parents[1] / "examples"
_PDFS = {"tide-mill-2023": "reports/tide-mill-2023.pdf", "harbour-survey": "reports/harbour-survey.pdf"}
_DOCX = {"annual-meeting-2024": "minutes/annual-meeting-2024.docx", "apprentice-plan": "handbook/apprentice-plan.docx"}


def main() -> None:
    for name, target in _PDFS.items():
        write_pdf(_blocks(name), _EXAMPLES / target)
    for name, target in _DOCX.items():
        write_docx(_blocks(name), _EXAMPLES / target)


def write_pdf(blocks: list[str], target: Path) -> None:
    """A4, one column; the same text gives the same bytes."""
    styles = getSampleStyleSheet()
    story: list[Flowable] = []
    for block in blocks:
        if block == "---":
            story.append(PageBreak())
        elif block.startswith("# "):
            story.append(Paragraph(block[2:], styles["Heading1"]))
        elif " | " in block:
            story.append(Table([line.split(" | ") for line in block.splitlines()]))
        else:
            story += [Paragraph(" ".join(block.split()), styles["BodyText"]), Spacer(1, 6)]
    title = blocks[0].removeprefix("# ")
    SimpleDocTemplate(str(target), pagesize=pagesizes.A4, title=title, invariant=1).build(story)


def write_docx(blocks: list[str], target: Path) -> None:
    """Headings, paragraphs and tables in Word's own styles."""
    document = Document()
    document.core_properties.title = blocks[0].removeprefix("# ")
    for number, block in enumerate(blocks):
        if block.startswith("# "):
            document.add_heading(block[2:], level=1 if number == 0 else 2)
        elif " | " in block:
            rows = [line.split(" | ") for line in block.splitlines()]
            table = document.add_table(rows=0, cols=len(rows[0]))
            for row in rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(" ".join(block.split()))
    document.save(str(target))


def _blocks(name: str) -> list[str]:
    return [block.strip() for block in (_HERE / f"{name}.txt").read_text("utf-8").split("\n\n") if block.strip()]


if __name__ == "__main__":
    main()
