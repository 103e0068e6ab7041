"""From a reply to an answer of the wanted form.

A local model writes freely and is then held to the form, in one call (`after_thought`). Another model is asked to
end with a line "Answer: …"; where that cannot be read it is asked once more.
"""

import re
from dataclasses import dataclass, replace

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agentkit.models.constraints import Constraint, after_thought
from agentkit.results import Answer, StopReason
from agentkit.strategies.asking import Asker, Reply, Request
from agentkit.strategies.forms import AnswerForm, TextForm

MARKER = "Answer: "
_MARKER = re.compile(r"^[ \t>*_#]*(?:the )?(?:final )?answer(?: is)?[*_]*:[*_ \t]*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was read from one reply."""

    answer: str | None
    """In the form's canonical spelling; None where none could be read."""
    reasoning: str
    said: str
    """The whole reply."""
    logprob: float | None
    """Mean natural-log probability of the reply's tokens."""
    stop_reason: StopReason


def reasoned_question(text: str, form: AnswerForm, instruction: str) -> str:
    """The question, how to reason about it, and how the reply ends."""
    return f'{text}\n\n{instruction} Then give {form.description} in a last line that begins with "{MARKER}".'


def reasoned_reply(reasoning: str, answer: str) -> str:
    """How an example's reply looks."""
    return f"{reasoning.strip()}\n{MARKER}{answer}" if reasoning.strip() else f"{MARKER}{answer}"


def thought_then(form: AnswerForm) -> Constraint:
    """Free reasoning, then the answer's line in its form."""
    return after_thought(form.constraint, marker=f"\n{MARKER}")


def ask_plainly(asker: Asker, request: Request, form: AnswerForm) -> Conclusion:
    """Ask for the answer alone. Free text is left unconstrained, over as many lines as the model likes."""
    is_text = isinstance(form, TextForm)
    request = replace(request, constraint=None if is_text else form.constraint)
    reply = asker.ask(request)
    conclusion = Conclusion(form.parse(reply.text), "", reply.text, reply.logprob, reply.stop_reason)
    return conclusion if conclusion.answer or is_text else _ask_again(asker, request, reply, form)


def ask_with_reasoning(asker: Asker, request: Request, form: AnswerForm) -> Conclusion:
    """Let the model reason, then conclude."""
    request = replace(request, constraint=thought_then(form))
    return conclude(asker, request, asker.ask(request), form)


def conclude(asker: Asker, request: Request, reply: Reply, form: AnswerForm) -> Conclusion:
    """Read a reasoned reply; ask once more where it has no answer of the form."""
    conclusion = read(reply, form)
    is_cut = reply.stop_reason is StopReason.CANCELLED
    return conclusion if conclusion.answer or is_cut else _ask_again(asker, request, reply, form)


def read(reply: Reply, form: AnswerForm) -> Conclusion:
    """The answer after the last "Answer:" of a reply, and the reasoning before it."""
    if reply.constrained is not None:
        tail, answer = reply.constrained, form.parse(reply.constrained)
        reasoning = reply.text.removesuffix(tail.strip()).rstrip().removesuffix(MARKER.strip())
        return Conclusion(answer, reasoning.strip(), reply.text, reply.logprob, reply.stop_reason)
    markers = list(_MARKER.finditer(reply.text))
    if not markers:
        return Conclusion(None, reply.text, reply.text, reply.logprob, reply.stop_reason)
    answer = form.parse(reply.text[markers[-1].end() :])
    return Conclusion(answer, reply.text[: markers[-1].start()].strip(), reply.text, reply.logprob, reply.stop_reason)


def to_answer(conclusion: Conclusion, asker: Asker, warnings: tuple[str, ...] = ()) -> Answer:
    """The answer to hand out, with the cost of everything that was asked."""
    reason = conclusion.stop_reason
    if conclusion.answer is None and reason is StopReason.COMPLETED:
        reason = StopReason.UNPARSED
    if reason is StopReason.MAX_TOKENS:
        warnings = (*warnings, "the reply was cut at max_tokens")
    if conclusion.answer is None:
        warnings = (*warnings, "no answer of the wanted form could be read from the reply")
    return Answer(
        text=conclusion.said if conclusion.answer is None else conclusion.answer,
        stop_reason=reason,
        usage=asker.usage,
        warnings=warnings,
        reasoning=conclusion.reasoning,
    )


def _ask_again(asker: Asker, request: Request, reply: Reply, form: AnswerForm) -> Conclusion:
    correction = f'Give only the answer, {form.description}, in one line that begins with "{MARKER}".'
    messages: tuple[BaseMessage, ...] = (*request.messages, AIMessage(reply.text), HumanMessage(correction))
    second = asker.ask(replace(request, messages=messages, temperature=0.0, constraint=form.constraint))
    answer = read(second, form).answer or form.parse(second.text)
    said = reply.text if answer is None else second.text
    return Conclusion(answer, reply.text, said, reply.logprob, second.stop_reason)
