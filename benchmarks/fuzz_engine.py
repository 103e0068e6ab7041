"""Random requests from many threads at one small engine: what must hold of every reply, whatever else is running.

    python benchmarks/fuzz_engine.py [MODEL] [--seconds S] [--seed N] [--threads T]

Lengths, constraints, stop strings, drafts, temperatures, log-probabilities, scores and cancels are drawn at random in a
context so small that cached prefixes must leave and replies are set back. Prints a count of each outcome and each
violation; exits with 1 if there is one, or where the engine hangs.
"""

import argparse
import collections
import faulthandler
import json
import random
import re
import sys
import threading
import time
from dataclasses import dataclass, field

from agentkit.errors import AgentkitError
from agentkit.models.constraints import Constraint, after_thought, choice, json_schema, regex
from agentkit.models.engine import GenerationRequest, LlamaEngine, Piece, SamplingParameters
from agentkit.models.store import ModelStore
from agentkit.results import StopReason

_CONTEXT = 1024
_SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}, "b": {"type": "string", "maxLength": 8}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
_OPTIONS = [f"option {number}" for number in range(300)]
_WHOLE = {StopReason.COMPLETED}


@dataclass
class Findings:
    """What was seen."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    violations: list[str] = field(default_factory=list)


def main() -> None:
    options = _options()
    faulthandler.dump_traceback_later(options.seconds + 120, exit=True)
    findings = Findings()
    end = time.monotonic() + options.seconds
    with LlamaEngine(ModelStore().path(options.model), context_tokens=_CONTEXT, threads=options.cores) as engine:
        threads = [
            threading.Thread(target=_work, args=(engine, random.Random(f"{options.seed}-{number}"), end, findings))
            for number in range(options.threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if engine.generate(GenerationRequest((1, 2, 3), 2)).outcome.stop_reason is StopReason.CANCELLED:
            findings.violations.append("the engine does not answer at the end")
    print(json.dumps(dict(findings.outcomes.most_common())))
    for violation in findings.violations[:20]:
        print("VIOLATION", violation)
    sys.exit(bool(findings.violations))


def _work(engine: LlamaEngine, rng: random.Random, end: float, findings: Findings) -> None:
    while time.monotonic() < end:
        try:
            outcome, problems = _score(engine, rng) if rng.random() < 0.15 else _reply(engine, rng)
        except AgentkitError as error:
            outcome, problems = type(error).__name__, []
        except Exception as error:  # noqa: BLE001 whatever it is, it is a finding
            outcome, problems = "crash", [f"{type(error).__name__}: {error}"]
        findings.outcomes[outcome] += 1
        findings.violations += problems


def _score(engine: LlamaEngine, rng: random.Random) -> tuple[str, list[str]]:
    prompt = _prompt(engine, rng)
    continuations = [_prompt(engine, rng)[: rng.randrange(60)] for _ in range(rng.randrange(1, 5))]
    scores = engine.score(prompt, continuations)
    wrong = [len(s.logprobs) for s, c in zip(scores, continuations, strict=True) if len(s.logprobs) != len(c)]
    positive = [logprob for score in scores for logprob in score.logprobs if logprob > 1e-6]
    return "scored", [f"score: {wrong} {positive}"] if wrong or positive else []


def _reply(engine: LlamaEngine, rng: random.Random) -> tuple[str, list[str]]:
    prompt = _prompt(engine, rng)
    kind, constraint = _constraint(rng)
    stop = tuple(rng.sample(["e", "\n", "the", "ab", "é", '"', "<|im"], rng.randrange(3))) if rng.random() < 0.3 else ()
    request = GenerationRequest(
        prompt,
        rng.choice([1, 2, rng.randrange(1, 30), rng.randrange(1, 120)]),
        SamplingParameters(
            rng.choice([0.0, 0.7, 1.5, 3.0]), rng.choice([0, 5]), rng.choice([1.0, 0.9]), seed=rng.random().__hash__()
        ),
        stop=stop,
        matcher=engine.compile(constraint) if constraint else None,
        thought=constraint.thought if constraint else None,
        draft_tokens=rng.choice([None, None, 0, 4, 15]),
        logprobs=rng.choice([None, None, 0, 2]),
    )
    generation = engine.generate(request)
    cancel_after = rng.randrange(12) if rng.random() < 0.35 else None
    pieces: list[Piece] = []
    for piece in generation:
        pieces.append(piece)
        if cancel_after is not None and len(pieces) > cancel_after:
            generation.cancel()
    outcome = generation.outcome
    text = "".join(piece.text for piece in pieces)
    problems = [f"{stop} in {text!r}" for string in stop if string in text]
    if outcome.usage.completion_tokens > request.max_tokens:
        problems.append(f"{outcome.usage.completion_tokens} tokens, {request.max_tokens} allowed")
    if outcome.stop_reason in _WHOLE and not is_whole(kind, text):
        problems.append(f"{kind}: {text!r}")
    spelled = b"".join(engine.vocabulary.piece(entry.token) for piece in pieces for entry in piece.logprobs)
    is_comparable = request.logprobs is not None and outcome.stop_reason is not StopReason.STOP_SEQUENCE
    if is_comparable and spelled.decode("utf-8", "replace") != text:
        problems.append(f"{kind}: log-probabilities of {spelled!r} beside {text!r}")
    return outcome.stop_reason.value, problems


def is_whole(kind: str, text: str) -> bool:
    """Whether a reply that ended by itself is what its constraint says."""
    match kind:
        case "json":
            value = json.loads(text)
            return set(value) == {"a", "b"} and 0 <= value["a"] <= 99
        case "choice":
            return text in _OPTIONS
        case "regex":
            return re.fullmatch("(ab ){2,9}c", text) is not None
        case "thought":
            return re.search(r"\nAnswer: [0-9]{1,3}\Z", text) is not None
    return True


def _constraint(rng: random.Random) -> tuple[str, Constraint | None]:
    return rng.choice(
        [
            ("free", None),
            ("json", json_schema(_SCHEMA)),
            ("choice", choice(_OPTIONS)),
            ("regex", regex("(ab ){2,9}c")),
            ("thought", after_thought(regex("[0-9]{1,3}"), marker="\nAnswer: ", max_tokens=rng.randrange(1, 30))),
        ]
    )


def _prompt(engine: LlamaEngine, rng: random.Random) -> tuple[int, ...]:
    """Half of them are one of three, so that several replies to one run together and guess for each other."""
    if rng.random() < 0.5:
        rng = random.Random(rng.randrange(3))
    beginning = rng.choice(["Name a river. ", "ab ab ab ab ", "The quick brown fox. "])
    length = rng.choice([rng.randrange(1, 30), rng.randrange(1, 300), rng.randrange(1, _CONTEXT + 20)])
    return tuple((engine.vocabulary.tokenize(beginning + str(rng.randrange(9)) + beginning * 300))[:length])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="smollm2-135m")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=24)
    parser.add_argument("--cores", type=int, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
