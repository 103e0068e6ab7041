"""A small application: a desk that tells whether a vessel may sail, from the handbook and from its own instrument.

    python examples/application/harbour_desk.py "May Little Auk sail now?"

It has an index of the documents beside it, a tool of its own, and an agent over both. It runs on this machine alone.
"""

import sys
from pathlib import Path

from agentkit import Agent, AgentLimits, Index, LocalChatModel, ModelStore, SentenceTransformerEmbedder, index_folder, tool
from agentkit.agents import ToolStarted
from agentkit.results import Answer, Step

DOCUMENTS = Path(__file__).parents[1]
WIND = {"harbour office": 15.5, "Skell lighthouse": 17.0}  # in a real application: read from the anemometers


@tool(parallel=True)
def wind_now(place: str = "harbour office") -> str:
    """The wind as the anemometers measure it at this moment, in metres per second.

    Args:
        place: Where: harbour office, or Skell lighthouse.
    """
    if place not in WIND:
        return f"there is no anemometer at {place}: ask for {' or '.join(WIND)}"
    return f"{WIND[place]} metres per second at the {place}"


def make_agent(model, index):
    """The agent of the desk: at most six replies and two minutes."""
    return Agent(model, tools=[wind_now], index=index, limits=AgentLimits(steps=6, seconds=120))


def answer(agent, question):
    """Ask, and show what happens."""
    for event in agent.stream(question):
        if isinstance(event, ToolStarted):
            print(f"… {event.tool} {event.arguments}")
        elif isinstance(event, Step) and event.error:
            print(f"  {event.error}")
        elif isinstance(event, Answer):
            print(event.text)
            for citation in event.citations:
                print(f"  {citation.path}: “{citation.quote}”")


def main():
    embedder = SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"))
    with Index.open(Path("harbour-desk.index"), embedder=embedder) as index, LocalChatModel() as model:
        index_folder(index, [DOCUMENTS])
        answer(make_agent(model, index), " ".join(sys.argv[1:]) or "May Little Auk sail now?")


if __name__ == "__main__":
    main()
