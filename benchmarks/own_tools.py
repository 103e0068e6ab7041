"""An agent with the documents of `examples/` and tools of one's own: what is called, and what comes of it.

    python benchmarks/own_tools.py [--model NAME] [--half first|second] [--out FILE]

Tasks need a tool, the documents, or both. The threshold of `agentkit/agents/routing.py` was chosen on all of them; the
rest of the agent was changed on the first half alone. Prints a line for each, a table and, last, one JSON line.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from agentkit import Index, LocalChatModel, ModelStore, SentenceTransformerEmbedder, index_folder, tool
from agentkit.agents import Agent
from agentkit.results import Answer
from agentkit.tools.calculator import calculator

_EXAMPLES = Path(__file__).parents[1] / "examples"


@tool
def bookings(vessel: str) -> int:
    """How many passengers have booked a vessel for today.

    Args:
        vessel: The name of the vessel.
    """
    return {"brida": 31, "halcyon": 40}.get(vessel.lower(), 0)


@tool
def wind(place: str) -> str:
    """The wind that is measured at a place at this moment.

    Args:
        place: The name of the place, such as a harbour.
    """
    return f"{place}: 21 metres per second from the west"


@tool
def exchange_rate(currency: str) -> str:
    """Today's exchange rate: how many crowns one unit of a currency costs.

    Args:
        currency: The currency's code, such as EUR.
    """
    return {"EUR": "11.50 crowns", "USD": "10.00 crowns"}.get(currency.upper(), "unknown currency")


@tool(effects=True)
def send_message(to: str, text: str) -> str:
    """Send a short message to a person.

    Args:
        to: Who gets it.
        text: What it says.
    """
    return f"{len(text)} characters sent to {to}"


@tool
def today() -> str:
    """Today's date."""
    return "2024-11-20"


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, with which tools, and what must come of it."""

    task: str
    tools: tuple[BaseTool, ...]
    needed: BaseTool | None
    """The tool without which it cannot be done."""
    wanted: tuple[str, ...]
    """All of them must stand in the answer, or in what is sent; of `a|b` one."""


_FIRST = (
    Task("How many passengers have booked Brida for today?", (bookings,), bookings, ("31",)),
    Task("What is the wind at the Fennay harbour at this moment?", (wind,), wind, ("21",)),
    Task("How many crowns does one euro cost today?", (exchange_rate,), exchange_rate, ("11.5",)),
    Task("Send Tobias Wynn the message 'The slates have arrived.'", (send_message,), send_message, ("arrived",)),
    Task("What is the date today?", (today, bookings), today, ("2024-11-20|November 20|20 November",)),
    Task("How many passengers can Brida carry?", (bookings,), None, ("162",)),
    Task("How much does the new sluice gate weigh?", (wind,), None, ("1,340",)),
    Task("Who was elected chair at the annual meeting in 2024?", (send_message,), None, ("Severine Coyle",)),
    Task("What does a share in the cooperative cost?", (exchange_rate,), None, ("260",)),
    Task("In which year was Brida built?", (today, bookings), None, ("1979",)),
    Task(
        "How many more passengers can Brida take today, after those who have booked?", (bookings,), bookings, ("131",)
    ),
    Task(
        "Is the wind at the Fennay harbour too strong for Brida at this moment?",
        (wind,),
        wind,
        ("yes|too strong|exceed|above|higher",),
    ),
    Task("How many euros does a share in the cooperative cost today?", (exchange_rate,), exchange_rate, ("22.6",)),
    Task("Send Tobias Wynn a message with the weight of the new sluice gate.", (send_message,), send_message, ("340",)),
    Task("How many years ago was Brida built, counted from today's date?", (today,), today, ("45",)),
    Task(
        "How many US dollars did the damage of the storm Borislav cost, at today's rate?",
        (exchange_rate,),
        exchange_rate,
        ("690",),
    ),
)
_SECOND = (
    Task("How many people have a booking on Halcyon today?", (bookings, wind), bookings, ("40",)),
    Task("Who is the skipper of Brida?", (bookings, wind), None, ("Runa Castell",)),
    Task("What was the highest gust of the storm Borislav?", (wind,), None, ("33.8",)),
    Task("What is the limit of wind for Brida, and what is the wind at Fennay now?", (wind,), wind, ("19", "21")),
    Task("Tell Runa Castell by message in which year Brida was built.", (send_message,), send_message, ("1979",)),
    Task(
        "What does a share in the cooperative cost in US dollars at today's rate?",
        (exchange_rate,),
        exchange_rate,
        ("26",),
    ),
)


def main() -> None:
    options = _options()
    tasks = {"first": _FIRST, "second": _SECOND}.get(options.half, _FIRST + _SECOND)
    rows = []
    embedder = SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"))
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder) / "examples", embedder=embedder) as index,
        LocalChatModel(model=options.model) as model,
    ):
        index_folder(index, [_EXAMPLES])
        for task in tasks:
            agent = Agent(model, tools=[calculator, *task.tools], index=index, approve=lambda _: True)
            started = time.perf_counter()
            answer = agent.run(task.task)
            rows.append(_row(task, answer, time.perf_counter() - started))
            print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    if options.out:
        options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    figures = {
        "tasks": len(rows),
        "right": sum(row["is_right"] for row in rows),
        "called_what_is_needed": sum(row["is_called"] for row in rows),
        "called_what_is_not": sum(row["is_needless"] for row in rows),
        "seconds_each": round(sum(row["seconds"] for row in rows) / len(rows), 1),
    }
    for name, value in figures.items():
        print(f"{name:24} {value:>8}")
    print(json.dumps(figures))


def _row(task: Task, answer: Answer, seconds: float) -> dict[str, Any]:
    """One result as JSON has it."""
    called = {step.tool for step in answer.steps if not step.error}
    sent = " ".join(str(step.arguments) for step in answer.steps if step.tool == send_message.name)
    text = (sent if task.needed is send_message else answer.text).lower()
    is_called = task.needed is None or task.needed.name in called
    is_wanted = all(any(form.lower() in text for form in wanted.split("|")) for wanted in task.wanted)
    needless = {each.name for each in task.tools if each is not task.needed}
    return {
        "task": task.task,
        "is_right": is_called and is_wanted,
        "is_called": is_called,
        "is_needless": bool(called & needless),
        "calls": [step.tool for step in answer.steps],
        "answer": answer.text,
        "seconds": round(seconds, 1),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--half", choices=["first", "second"])
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
