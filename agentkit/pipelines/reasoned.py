"""A cited answer that a strategy reasoned: reason over the passages, quote what it rests on, let it be judged.

The quotes are sentences of the passages, picked by code: the one most like the answer, and those that have the other
numbers and names of its reasoning. Whether they prove the answer is the model's judgement, as in `grounding.py`; what
they do not prove is refused. A number that was reckoned stands in no document, which a warning says.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from langchain_core.language_models import BaseChatModel

from agentkit.facts import figures_of, missing_facts
from agentkit.reading.entailment import Entailment, judge_of
from agentkit.reading.passages import Passage
from agentkit.reading.reader import system_message
from agentkit.reading.sentences import Sentence, likeliest_sentences, sentences_of
from agentkit.results import Answer
from agentkit.strategies import Problem, Strategy

_MOST_QUOTES = 4
_NUMBERING = re.compile(r"^\s*\(?\d+[.):]\s|\[\d+\]|\bstep \d+", re.MULTILINE | re.IGNORECASE)
"""Numbers of a reasoning that are no figures of its matter."""
_LEAST_LOG_ODDS = 0.0
"""From which the quotes count as proof: the judge finds it likelier than not."""


def answer_by_reasoning(
    question: str,
    passages: Sequence[Passage],
    model: BaseChatModel,
    strategy: Strategy,
    *,
    system: str = "",
    judge: Entailment | None = None,
) -> Answer:
    """What `strategy` makes of the passages, with the quotes that prove it; to `judge`, by default the model.

    Not grounded where no quotes prove it, or where it has a name that is in no passage, or a number that is neither
    there nor reckoned in the reasoning.
    """
    shown = "\n\n".join(passage.render() for passage in passages)
    problem = Problem(question, f"Passages:\n\n{shown}", system=system_message(system))
    reasoned = strategy.solve(problem, model)
    quotes = supporting_sentences(f"{reasoned.reasoning}\n{reasoned.text}", reasoned.text, question, passages)
    judge = judge or judge_of(model)
    before = judge.usage
    evidence = "\n".join(f'From {quote.passage.label}: "{quote.text}"' for quote in quotes)
    statement = f"The answer to the question “{question.strip()}” is: {reasoned.text}"
    is_proved = bool(quotes) and judge.proves(evidence, statement) > _LEAST_LOG_ODDS
    usage = reasoned.usage + (judge.usage - before)
    citations = tuple(filter(None, (quote.passage.cite(quote.text) for quote in quotes)))
    if not is_proved or not citations:
        return replace(reasoned, usage=usage)
    unknown = missing_facts(reasoned.text, f"{shown}\n{question}")
    if not all(fact in figures_of(reasoned.reasoning) for fact in unknown):
        return replace(reasoned, usage=usage)
    warnings = [f"{', '.join(unknown)}: in no passage, reckoned by the model"] if unknown else []
    return replace(
        reasoned, citations=citations, is_grounded=True, usage=usage, warnings=(*reasoned.warnings, *warnings)
    )


def supporting_sentences(reasoning: str, answer: str, question: str, passages: Sequence[Passage]) -> list[Sentence]:
    """The sentence most like the answer, then those with numbers and names of the reasoning that are not quoted yet.

    At most four, each with something new, in the order in which they were found.
    """
    sentences = [sentence for passage in passages for sentence in sentences_of(passage)]
    chosen = likeliest_sentences(sentences, answer, question)[:1]
    while chosen and len(chosen) < _MOST_QUOTES:
        quoted = "\n".join([question, *(sentence.text for sentence in chosen)])
        wanted = missing_facts(_NUMBERING.sub("", reasoning), quoted)
        gain = {number: _supplied(wanted, sentence.text) for number, sentence in enumerate(sentences)}
        best = max(gain, key=lambda number: gain[number])
        if not gain[best]:
            break
        chosen.append(sentences[best])
    return chosen


def _supplied(facts: Sequence[str], text: str) -> int:
    """How many of the facts a sentence has."""
    return len(set(facts) - set(missing_facts(", ".join(["", *facts]), text)))
