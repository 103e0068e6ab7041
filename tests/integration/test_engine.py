"""The engine over a real llama.cpp and smollm2-135m."""

import json
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agentkit.errors import ConstraintError, ContextLengthError, EngineError, ModelLoadError
from agentkit.models.constraints import Constraint, after_thought, choice, json_schema, regex
from agentkit.models.engine import (
    Generation,
    GenerationRequest,
    LlamaEngine,
    Placement,
    SamplingParameters,
    engine_report,
    planned_layers,
)
from agentkit.models.engine.context import ContextSizes, DecodeAbortedError, LlamaContext, Slice
from agentkit.models.engine.drafting import StepCosts
from agentkit.models.engine.model import LlamaModel
from agentkit.models.tool_calling import ToolBinding
from agentkit.results import StopReason

pytestmark = pytest.mark.model

_CONTEXT = 1024


@pytest.fixture(scope="module")
def engine(chat_model_file: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(chat_model_file, context_tokens=_CONTEXT) as engine:
        yield engine


def _prompt(engine: LlamaEngine, text: str) -> tuple[int, ...]:
    markup = f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    return tuple(engine.vocabulary.tokenize_markup(markup))


def _generate(engine: LlamaEngine, text: str, max_tokens: int = 24, **options: object) -> Generation:
    return engine.generate(GenerationRequest(_prompt(engine, text), max_tokens, **options))  # type: ignore[arg-type]


def test_greedy_replies_from_a_cached_prompt_are_the_same_every_time(engine: LlamaEngine) -> None:
    _settle(engine, "Name a river.")
    first = _generate(engine, "Name a river.")
    second = _generate(engine, "Name a river.")
    assert first.text() == second.text()
    assert second.outcome.usage.cached_tokens >= second.outcome.usage.prompt_tokens - 1


def test_a_longer_chat_evaluates_only_what_is_new(engine: LlamaEngine) -> None:
    history = "Tell me about the sea. " * 20
    _generate(engine, history).text()
    longer = _generate(engine, history + "And about the moon?")
    assert longer.outcome.usage.cached_tokens >= 0.9 * len(_prompt(engine, history)) - 10


def _settle(engine: LlamaEngine, text: str) -> None:
    """Bring the whole prompt into the cache: llama.cpp's kernels round differently for batches of another size, so that
    only replies from the same cached prompt are the same to the token."""
    _generate(engine, text, 1).text()


def test_sampling_with_a_seed_is_repeatable_and_another_seed_differs(chat_model_file: Path) -> None:
    def sample(seed: int) -> str:
        with LlamaEngine(chat_model_file, context_tokens=512) as fresh:
            sampling = SamplingParameters(temperature=1.0, seed=seed)
            return _generate(fresh, "Tell a story.", 30, sampling=sampling).text()

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(3)}) > 1


def test_many_threads_at_once_each_get_their_own_answer(engine: LlamaEngine) -> None:
    words = ["apple", "river", "stone", "cloud", "tiger", "piano", "bread", "glass"]
    results: dict[str, str] = {}

    def ask(word: str) -> None:
        matcher = engine.compile(regex(f"The word is {word}\\."))
        results[word] = _generate(engine, f"Repeat the word {word}.", matcher=matcher).text()

    threads = [threading.Thread(target=ask, args=(word,)) for word in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {word: f"The word is {word}." for word in words}


def test_more_prompts_than_the_cache_can_hold_are_all_answered(chat_model_file: Path) -> None:
    with LlamaEngine(chat_model_file, context_tokens=512) as small:
        prompts = [_prompt(small, f"{number} " * 120) for number in range(6)]
        assert sum(map(len, prompts)) > 2 * 512
        generations = [small.generate(GenerationRequest(prompt, 60)) for prompt in prompts]
        scores = small.score(prompts[0][:300], [prompts[1][:100], prompts[2][:100]])
        reasons = {generation.outcome.stop_reason for generation in generations}
        assert reasons <= {StopReason.COMPLETED, StopReason.MAX_TOKENS}
        assert [len(score.logprobs) for score in scores] == [100, 100]


def test_a_cancelled_generation_ends_at_once_and_others_go_on(engine: LlamaEngine) -> None:
    other = _generate(engine, "Count to twenty.", 30)
    long_prompt = tuple(engine.vocabulary.tokenize("all work and no play " * 400)[: _CONTEXT - 50])
    cancelled = engine.generate(GenerationRequest(long_prompt, 20))
    time.sleep(0.05)
    started = time.monotonic()
    cancelled.cancel()
    assert cancelled.outcome.stop_reason is StopReason.CANCELLED
    assert time.monotonic() - started < 5  # a bound against hanging; benchmarks/engine.py measures it
    assert other.text()
    assert _generate(engine, "Name a river.").text()


def test_a_long_prompt_is_read_while_others_are_cancelled_all_the_time(chat_model_file: Path) -> None:
    with LlamaEngine(chat_model_file, context_tokens=2048) as fresh:
        long = fresh.generate(GenerationRequest(tuple(fresh.vocabulary.tokenize("play and work " * 300)[:800]), 1))
        reader = threading.Thread(target=long.text)
        reader.start()
        deadline, waits = time.monotonic() + 120, []
        while reader.is_alive() and time.monotonic() < deadline:
            other = _generate(fresh, "Name a river.", 50)
            time.sleep(0.05)
            cancelled = time.monotonic()
            other.cancel()
            assert other.outcome.stop_reason in {StopReason.CANCELLED, StopReason.COMPLETED}
            waits.append(time.monotonic() - cancelled)
        assert not reader.is_alive()
        assert long.outcome.stop_reason is not StopReason.CANCELLED
        assert max(waits) < 0.3


def test_a_step_whose_sequences_are_all_cancelled_is_broken_off(
    chat_model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aborts: list[bool] = []
    abort = LlamaContext.abort

    def watched(context: LlamaContext) -> None:
        aborts.append(True)
        abort(context)

    monkeypatch.setattr(LlamaContext, "abort", watched)
    with LlamaEngine(chat_model_file, context_tokens=4096) as fresh:
        tokens = tuple(fresh.vocabulary.tokenize("play and work " * 900)[:1800])
        pair = [fresh.generate(GenerationRequest((token, *tokens), 1)) for token in tokens[:2]]
        time.sleep(0.1)
        pair[1].cancel()  # waits for its turn: the batch is full of the other's tokens
        assert not aborts
        pair[0].cancel()
        started = time.monotonic()
        assert _generate(fresh, "Name a river.", 1).text()
        assert aborts
        assert time.monotonic() - started < 5


def test_more_prompts_than_the_cache_has_slots_are_all_answered_from_what_they_share(chat_model_file: Path) -> None:
    beginning = "The harbour master keeps a book of all ships that come in, with their cargo and their masters. "
    with LlamaEngine(chat_model_file, context_tokens=8192) as roomy:
        for wave in range(3):
            asked = [f"{beginning * (1 + wave % 2)}Ship {wave * 40 + number} is next." for number in range(40)]
            generations = [_generate(roomy, text, 2) for text in asked]
            usages = [generation.outcome.usage for generation in generations]  # no decode fails
            if wave > 1:
                shared = min(len(_prompt(roomy, beginning * (1 + wave % 2))) - 5, usages[0].prompt_tokens)
                assert min(usage.cached_tokens for usage in usages) >= shared


def test_prompts_that_fill_a_small_context_together_are_answered(chat_model_file: Path) -> None:
    with LlamaEngine(chat_model_file, context_tokens=256) as small:
        prompts = [tuple(small.vocabulary.tokenize(f"{word} " * 300)[:200]) for word in ("river", "mill")]
        generations = [small.generate(GenerationRequest(prompt, 8)) for prompt in prompts]
        assert {generation.outcome.stop_reason for generation in generations} <= {
            StopReason.COMPLETED,
            StopReason.MAX_TOKENS,
        }


def test_a_sequence_whose_state_is_lost_begins_again(chat_model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with recurrent models, which cannot go back to an earlier position once a decode was broken off."""
    truncate, decode = LlamaContext.truncate, LlamaContext.decode
    decodes = 0

    def broken_off(context: LlamaContext, slices: list[Slice], *, padding: int) -> object:
        nonlocal decodes
        decodes += 1
        logits = decode(context, slices, padding=padding)
        if decodes in {6, 12, 13}:
            raise DecodeAbortedError
        return logits

    monkeypatch.setattr(LlamaContext, "decode", broken_off)
    monkeypatch.setattr(LlamaContext, "truncate", lambda context, sequence, length: truncate(context, sequence, 0))
    with LlamaEngine(chat_model_file, context_tokens=_CONTEXT) as fresh:
        replies = {number: _generate(fresh, f"Count to {number}.", 40) for number in (20, 30)}
        texts = {number: reply.text() for number, reply in replies.items()}
        assert decodes > 30
        for number, text in texts.items():
            (score,) = fresh.score(_prompt(fresh, f"Count to {number}."), [fresh.vocabulary.tokenize(text)])
            assert min(score.logprobs) > -3  # each token is one that the model would take after all before it


def test_leaving_the_iteration_cancels_the_generation(engine: LlamaEngine) -> None:
    generation = _generate(engine, "Tell a long story.", 400)
    for _ in generation:
        break
    assert generation.is_cancelled


def test_a_stop_string_ends_the_reply_before_it(engine: LlamaEngine) -> None:
    _settle(engine, "Count from 1 to 9.")
    whole = _generate(engine, "Count from 1 to 9.", 40).text()
    stop = whole[len(whole) // 2 :][:4]
    cut = _generate(engine, "Count from 1 to 9.", 40, stop=(stop,))
    assert cut.text() == whole[: whole.index(stop)]
    assert cut.outcome.stop_reason is StopReason.STOP_SEQUENCE


@pytest.mark.parametrize("offset", range(-40, 10))
def test_prompts_around_the_context_limit_end_with_a_reason(engine: LlamaEngine, offset: int) -> None:
    tokens = tuple((engine.vocabulary.tokenize("one two three four five ") * 300)[: _CONTEXT + offset])
    if len(tokens) >= _CONTEXT:
        with pytest.raises(ContextLengthError, match=str(_CONTEXT)):
            engine.generate(GenerationRequest(tokens, 20))
        return
    outcome = engine.generate(GenerationRequest(tokens, 20)).outcome
    assert outcome.stop_reason in {StopReason.MAX_TOKENS, StopReason.CONTEXT_FULL, StopReason.COMPLETED}
    assert outcome.usage.prompt_tokens + outcome.usage.completion_tokens <= _CONTEXT + 1


def test_json_under_a_schema_parses_and_validates_at_a_high_temperature(engine: LlamaEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "size": {"type": "integer", "minimum": 0}},
        "required": ["name", "size"],
        "additionalProperties": False,
    }
    constraint = json_schema(schema)
    generations = [
        _generate(
            engine,
            "Describe an animal.",
            120,
            matcher=engine.compile(constraint),
            sampling=SamplingParameters(temperature=1.5, seed=seed),
        )
        for seed in range(16)
    ]
    for generation in generations:
        value = json.loads(generation.text())
        assert set(value) == {"name", "size"}
        assert isinstance(value["size"], int)
        assert value["size"] >= 0
        assert generation.outcome.usage.forced_tokens > 0


def test_a_choice_gives_one_of_the_options(engine: LlamaEngine) -> None:
    matcher = engine.compile(choice(["north", "south"]))
    assert _generate(engine, "Where is the pole star?", matcher=matcher).text() in {"north", "south"}


@pytest.mark.parametrize("grammar", ["start: nothing_here", "start: /(/", "this is no grammar", ""])
def test_a_refused_grammar_is_an_error_before_decoding(engine: LlamaEngine, grammar: str) -> None:
    with pytest.raises(ConstraintError):
        engine.compile(Constraint(grammar))
    assert _generate(engine, "Name a river.").text()


def test_scores_tell_the_likelier_continuation(engine: LlamaEngine) -> None:
    tokenize = engine.vocabulary.tokenize
    paris, banana = engine.score(tokenize("The capital of France is"), [tokenize(" Paris"), tokenize(" banana")])
    assert sum(paris.logprobs) > sum(banana.logprobs)


def test_a_short_prompt_of_several_continuations_is_read_once(engine: LlamaEngine) -> None:
    tokenize = engine.vocabulary.tokenize
    prompt = tokenize("The harbour master wrote into the log of the morning that the wind had come from")
    assert len(prompt) < 24
    scores = engine.score(prompt, [tokenize(f" the {point}") for point in ("north", "south", "east", "west")])
    assert sorted(score.cached_tokens for score in scores)[1:] == [len(prompt)] * 3


def test_texts_that_begin_alike_are_scored_in_shared_rows_and_as_if_alone(
    chat_model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _watch_rows(monkeypatch)
    with LlamaEngine(chat_model_file, context_tokens=512) as fresh:
        tokenize = fresh.vocabulary.tokenize
        prompt = tokenize("The harbour master wrote that the wind had come from")
        texts = [" the north", " the north and the east", " the south", " a cloud", " the north and the west"]
        together = fresh.score(prompt, [tokenize(text) for text in texts])
        read = [[*prompt, *tokenize(text)][:-1] for text in texts]  # nothing is asked after the last token
        assert steps == [len({tuple(tokens[:end]) for tokens in read for end in range(1, len(tokens) + 1)})]
        apart = [fresh.score(prompt, [tokenize(text)])[0] for text in texts]
    for one, other in zip(together, apart, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=0.1)  # batches of other sizes round differently


def test_samples_that_arrive_together_read_their_prompt_once_and_share_what_they_agree_on(
    chat_model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_decoding, is_all_there = threading.Event(), threading.Event()

    def wait() -> None:
        is_decoding.set()
        is_all_there.wait(60)

    steps = _watch_rows(monkeypatch, before=wait)
    with LlamaEngine(chat_model_file, context_tokens=512) as fresh:
        first = _generate(fresh, "Name a river.", 1)
        is_decoding.wait(60)
        samples = [_generate(fresh, "Count to five.", 12) for _ in range(4)]
        is_all_there.set()
        assert len({sample.text() for sample in samples}) == 1
        cached = [sample.outcome.usage.cached_tokens for sample in samples]
    new = samples[0].outcome.usage.prompt_tokens - min(cached)
    assert steps[:2] == [first.outcome.usage.prompt_tokens, new]
    assert set(steps[2:]) == {1}
    assert sorted(cached)[1:] == [samples[0].outcome.usage.prompt_tokens] * 3


@pytest.mark.parametrize("max_tokens", [60, 5])
def test_forced_tokens_are_appended_at_once_with_their_log_probabilities(
    chat_model_file: Path, monkeypatch: pytest.MonkeyPatch, max_tokens: int
) -> None:
    steps = _watch_rows(monkeypatch)
    constraint = regex("It is a (river|mountain), and it flows from the north to the south of the land\\.")
    with LlamaEngine(chat_model_file, context_tokens=512) as fresh:

        def reply(logprobs: int | None) -> Generation:
            matcher = fresh.compile(constraint)
            return _generate(fresh, "What is the Nile?", max_tokens, matcher=matcher, logprobs=logprobs)

        plain = reply(None)
        text, needed = plain.text(), len(steps)
        told = reply(0)
        pieces = list(told)
        assert len(steps) <= 2 * needed + 1  # one more for what is forced at the very end
        tokens = [entry for piece in pieces for entry in piece.logprobs]
        assert "".join(piece.text for piece in pieces) == text
        assert b"".join(fresh.vocabulary.piece(entry.token) for entry in tokens).decode() == text
        assert told.outcome.stop_reason == plain.outcome.stop_reason
        (score,) = fresh.score(_prompt(fresh, "What is the Nile?"), [[entry.token for entry in tokens]])
    assert [entry.logprob for entry in tokens] == pytest.approx(score.logprobs, abs=0.1)


def _watch_rows(monkeypatch: pytest.MonkeyPatch, before: Callable[[], object] = bool) -> list[int]:
    """How many rows each decode evaluates, as they come."""
    decode, rows = LlamaContext.decode, list[int]()

    def watched(context: LlamaContext, slices: list[Slice], *, padding: int) -> object:
        before()
        rows.append(sum(len(part.tokens) - part.shared for part in slices))
        return decode(context, slices, padding=padding)

    monkeypatch.setattr(LlamaContext, "decode", watched)
    return rows


def test_scores_are_those_of_a_generation(chat_model_file: Path) -> None:
    with LlamaEngine(chat_model_file, context_tokens=512) as fresh:
        prompt = _prompt(fresh, "Name a river.")
        generation = fresh.generate(GenerationRequest(prompt, 8, logprobs=2))
        tokens = [token for piece in generation for token in piece.logprobs]
        (scored,) = fresh.score(prompt, [[token.token for token in tokens]])
    assert list(scored.logprobs) == pytest.approx([token.logprob for token in tokens], abs=0.01)
    assert all(token.alternatives[0][1] >= token.logprob - 1e-9 for token in tokens)


def test_a_closed_engine_says_so(chat_model_file: Path) -> None:
    engine = LlamaEngine(chat_model_file, context_tokens=512)
    running = _generate(engine, "Tell a long story.", 400)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        running.text()
    with pytest.raises(EngineError, match="closed"):
        _generate(engine, "Hello")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "not a GGUF"), (b"hello, this is text", "not a GGUF"), (b"GGUF\x03\x00\x00\x00", "truncated")],
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(data)
    with pytest.raises(ModelLoadError, match=message):
        LlamaEngine(file)


def test_a_truncated_model_is_named(chat_model_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    with chat_model_file.open("rb") as whole:
        file.write_bytes(whole.read(30_000_000))
    with pytest.raises(ModelLoadError, match=r"model\.gguf"):
        LlamaEngine(file)


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="models pull"):
        LlamaEngine(tmp_path / "none.gguf")


def test_greedy_decoding_alone_equals_a_bare_loop_over_llama_cpp(chat_model_file: Path) -> None:
    with LlamaEngine(chat_model_file, context_tokens=512) as fresh:
        prompt = _prompt(fresh, "Write three sentences about the sea.")
        request = GenerationRequest(prompt, 60, logprobs=0)
        ours = [entry.token for piece in fresh.generate(request) for entry in piece.logprobs]
    model = LlamaModel(chat_model_file)
    context = LlamaContext(model, ContextSizes(512))
    bare: list[int] = []
    pending, position = list(prompt), 0
    while len(bare) < 60 and not (bare and model.vocabulary.is_end(bare[-1])):
        logits = context.decode([Slice(0, position, pending, 1)])[0][0]
        position += len(pending)
        pending = [int(logits.argmax())]
        bare += pending
    context.close()
    bare = [token for token in bare if not model.vocabulary.is_end(token)]
    model.close()
    assert ours == bare


def test_many_threads_half_of_them_cancelled_never_mix_their_answers(chat_model_file: Path) -> None:
    mixed: list[str] = []
    ended: list[StopReason] = []

    def work(engine: LlamaEngine, thread: int) -> None:
        for number in range(20):
            code = f"K{thread}Q{number}Z"
            matcher = engine.compile(regex(f"The code word is {code}( and [a-z ]{{5,40}})?\\."))
            generation = _generate(engine, f"The code word is {code}. Repeat it.", 40, matcher=matcher)
            pieces = iter(generation)
            text = ""
            if number % 2:
                text = next(pieces).text
                generation.cancel()
            text += "".join(piece.text for piece in pieces)
            ended.append(generation.outcome.stop_reason)
            if not f"The code word is {code}".startswith(text[: len(f"The code word is {code}")]):
                mixed.append(f"{code}: {text}")

    with LlamaEngine(chat_model_file, context_tokens=2048) as engine:
        threads = [threading.Thread(target=work, args=(engine, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(200)
        assert _generate(engine, "Name a river.").text()
    assert not mixed
    assert len(ended) == 160
    assert set(ended) <= {StopReason.COMPLETED, StopReason.CANCELLED, StopReason.MAX_TOKENS}


def test_json_cut_by_a_limit_is_whole_and_says_that_it_was_cut(engine: LlamaEngine) -> None:
    schema = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "string"}}, "size": {"type": "number"}},
        "required": ["items", "size"],
        "additionalProperties": False,
    }
    for seed in range(20):
        generation = _generate(
            engine,
            "A long list.",
            60,
            matcher=engine.compile(json_schema(schema)),
            sampling=SamplingParameters(temperature=1.5, seed=seed),
        )
        value = json.loads(generation.text())
        assert isinstance(value["size"], (int, float))
        if len(value["items"]) > 30:
            assert generation.outcome.stop_reason is StopReason.MAX_TOKENS


@pytest.mark.parametrize(
    "schema",
    [{"type": "string", "pattern": r"\.$"}, {"type": "string", "minLength": 110}, {"enum": ["cat" * 40, "cat" * 41]}],
)
def test_a_string_that_may_not_end_yet_is_not_filled_up(engine: LlamaEngine, schema: dict[str, object]) -> None:
    matcher = engine.compile(json_schema(schema))
    text = _generate(engine, "Tell me about cats", 30, matcher=matcher).text()
    assert not re.search(r"[\]}:,]{2}|\d{5}", text)


def test_a_string_ends_after_its_escapes(engine: LlamaEngine) -> None:
    matcher = engine.compile(json_schema({"type": "array", "items": {"type": "string"}}))
    for token in engine.vocabulary.tokenize(r'["a \" ]} b \\'):
        matcher.consume(token)
    closing = matcher.closing(matcher.allowed())
    assert {engine.vocabulary.piece(token).strip()[:1] for token in np.flatnonzero(closing).tolist()} == {b'"'}
    matcher.consume(engine.vocabulary.tokenize('"')[0])
    closing = matcher.closing(matcher.allowed())
    assert {engine.vocabulary.piece(token).strip()[:1] for token in np.flatnonzero(closing).tolist()} == {b"]"}


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (regex("(?=a)b"), "look-around"),
        (regex(r"(a)\1"), "backreferences"),
        (json_schema({"type": "string", "pattern": "(?=x)"}), r"\(\?=x\) error: look-around"),
        (json_schema({"type": "foo"}), "Invalid type: foo$"),
        (regex("a" * 5000 + "(?=x)"), "look-around"),
    ],
)
def test_a_refusal_says_why_and_is_short(engine: LlamaEngine, constraint: Constraint, reason: str) -> None:
    with pytest.raises(ConstraintError, match=reason) as refused:
        engine.compile(constraint)
    assert len(str(refused.value)) < 800


def test_a_thought_is_free_and_ends_with_its_marker(engine: LlamaEngine) -> None:
    constraint = after_thought(regex("[0-9]{1,3}"), marker="\nAnswer: ", max_tokens=15)
    matcher = engine.compile(constraint)
    pieces = list(_generate(engine, "How many legs has a spider?", 60, matcher=matcher, thought=constraint.thought))
    thought = "".join(piece.text for piece in pieces if not piece.is_constrained)
    answer = "".join(piece.text for piece in pieces if piece.is_constrained)
    assert len(thought) > 10
    assert answer.startswith("\nAnswer: ")
    assert answer.removeprefix("\nAnswer: ").isdigit()


def test_a_call_that_lacks_its_tag_gets_it(engine: LlamaEngine) -> None:
    binding = ToolBinding(({"function": {"name": "look", "parameters": {"type": "object", "properties": {}}}},), "auto")
    constraint = binding.constraint(engine.vocabulary.spell)
    assert constraint is not None
    assert constraint.thought is not None
    generation = _generate(
        engine,
        "Look around.",
        60,
        matcher=engine.compile(constraint),
        thought=replace(constraint.thought, lookalike="(?s)."),  # whatever the model writes is taken for a call
    )
    assert generation.text() == '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>'
    assert _generate(engine, "Name a river.").text()


def test_drafted_tokens_change_no_greedy_reply(chat_model_file: Path) -> None:
    text = "the quick brown fox jumps over the lazy dog and the quick brown fox jumps over the lazy dog"
    replies, seconds = [], []
    with LlamaEngine(chat_model_file, context_tokens=1024) as engine:
        for drafts in (0, 6):
            _settle(engine, f"Repeat: {text} {text}")
            generation = _generate(engine, f"Repeat: {text} {text}", 60, draft_tokens=drafts)
            replies.append(generation.text())
            seconds.append(generation.outcome.usage.completion_tokens)
            assert _generate(engine, "Name a river.").text()
    assert replies[0] == replies[1]
    assert seconds[0] == seconds[1]


def test_forced_tokens_are_scored_wherever_a_batch_ends(chat_model_file: Path) -> None:
    """Of the last forced tokens and the one before them a batch may hold all but one."""
    with LlamaEngine(chat_model_file, context_tokens=_CONTEXT) as engine:
        text = engine.vocabulary.tokenize("all work and no play makes a dull boy ") * 80
        for number, length in enumerate(range(505, 514)):
            generation = engine.generate(
                GenerationRequest(
                    (number, *text[: length - 1]),
                    20,
                    matcher=engine.compile(regex("Hello dear world[0-9]")),
                    logprobs=0,
                )
            )
            assert re.fullmatch("Hello dear world[0-9]", generation.text())


@pytest.fixture
def drafts_all(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every guess is verified, whatever it costs; how many there were in each step."""
    counts: list[int] = []

    def worthwhile(_: StepCosts, rows: int, probabilities: list[float]) -> int:
        counts.append(len(probabilities))
        return len(probabilities)

    monkeypatch.setattr(StepCosts, "worthwhile", worthwhile)
    return counts


def test_replies_to_one_prompt_guess_for_each_other_and_each_is_drawn_from_its_own_logits(
    chat_model_file: Path, drafts_all: list[int]
) -> None:
    with LlamaEngine(chat_model_file, context_tokens=2048) as engine:
        prompt = _prompt(engine, "Count from one to twenty in words.")
        generations = [
            engine.generate(GenerationRequest(prompt, 60, SamplingParameters(temperature=0.8, seed=seed), logprobs=0))
            for seed in range(6)
        ]
        replies = [[entry for piece in generation for entry in piece.logprobs] for generation in generations]
        assert sum(drafts_all) > 100
        assert len(drafts_all) < 55  # steps: some guesses were right in all replies
        for reply in replies:
            (score,) = engine.score(prompt, [[entry.token for entry in reply]])
            differences = [abs(entry.logprob - other) for entry, other in zip(reply, score.logprobs, strict=True)]
            assert statistics.mean(differences) < 0.1  # batches of other sizes round differently


@pytest.mark.parametrize("context_tokens", [2048, 256])
def test_rows_that_nobody_wants_disturb_no_reply(
    chat_model_file: Path, monkeypatch: pytest.MonkeyPatch, context_tokens: int
) -> None:
    """Also where the KV cache has no room for them. What is drawn is held to `score`, since batches of other sizes
    round differently.
    """
    asked: list[int] = []

    def padding(_: StepCosts, rows: int) -> int:
        asked.append(rows)
        return 3

    monkeypatch.setattr(StepCosts, "padding", padding)
    with LlamaEngine(chat_model_file, context_tokens=context_tokens) as engine:
        prompts = [_prompt(engine, f"Tell me about the number {number}.") for number in range(5)]
        generations = [engine.generate(GenerationRequest(prompt, 40, logprobs=0)) for prompt in prompts]
        for prompt, generation in zip(prompts, generations, strict=True):
            reply = [entry for piece in generation for entry in piece.logprobs]
            assert len(reply) == generation.outcome.usage.completion_tokens > 10
            (score,) = engine.score(prompt, [[entry.token for entry in reply]])
            differences = [abs(entry.logprob - other) for entry, other in zip(reply, score.logprobs, strict=True)]
            assert statistics.mean(differences) < 0.1
        together = len(asked)
        engine.generate(GenerationRequest(prompts[0], 20)).text()
    assert len(asked) == together > 30


def test_a_reply_alone_guesses_nothing_also_after_another_to_the_same_prompt(
    chat_model_file: Path, drafts_all: list[int]
) -> None:
    with LlamaEngine(chat_model_file, context_tokens=1024) as engine:
        for _ in range(2):
            _generate(engine, "ab ab ab ab ab ab ab ab", 20).text()
        assert sum(drafts_all) == 0
        _generate(engine, "ab ab ab ab ab ab ab ab", 20, draft_tokens=8).text()
        assert sum(drafts_all) > 0


def test_a_marker_that_was_guessed_is_told_once(chat_model_file: Path, drafts_all: list[int]) -> None:
    """The tokens of a thought's marker are taken back and put again: log-probabilities and text stay one to one."""
    constraint = after_thought(regex("[0-9]{1,3}"), marker="\nAnswer: ", max_tokens=30)
    with LlamaEngine(chat_model_file, context_tokens=2048) as engine:
        start = _prompt(engine, "Go on.") + tuple(
            engine.vocabulary.tokenize("Sum of 1 and 2.\nAnswer: 3\n\nSum of 2 and 2.\nAnswer: 4\n\n" * 4)
        )
        generations = [
            engine.generate(
                GenerationRequest(
                    start + tuple(engine.vocabulary.tokenize("Sum of 3 and 2.")),
                    40,
                    SamplingParameters(temperature=0.3, seed=seed),
                    matcher=engine.compile(constraint),
                    thought=constraint.thought,
                    draft_tokens=15,
                    logprobs=0,
                )
            )
            for seed in range(6)
        ]
        for generation in generations:
            pieces = list(generation)
            text = "".join(piece.text for piece in pieces)
            spelled = b"".join(engine.vocabulary.piece(entry.token) for piece in pieces for entry in piece.logprobs)
            assert spelled.decode() == text
            assert re.search(r"\nAnswer: [0-9]{1,3}\Z", text)
    assert sum(drafts_all) > 0


def test_constrained_drafts_follow_the_grammar(engine: LlamaEngine) -> None:
    matcher = engine.compile(regex("(ab ){10,20}c"))
    text = _generate(engine, "ab ab ab ab", 80, matcher=matcher, draft_tokens=5).text()
    assert re.fullmatch("(ab ){10,20}c?", text + " " * (not text.endswith(("c", " "))))


def test_where_layers_go_is_planned_without_loading_them(chat_model_file: Path) -> None:
    offloaded, layers = planned_layers(chat_model_file, None)
    assert layers == 30
    assert offloaded == (30 if engine_report().gpus else 0)
    assert planned_layers(chat_model_file, 7) == (7 if engine_report().gpus else 0, 30)


def test_a_quantised_cache_with_flash_attention_answers_too(chat_model_file: Path) -> None:
    placement = Placement(gpu_layers=0, flash_attention=True, kv_cache_type="q8_0")
    with LlamaEngine(chat_model_file, context_tokens=512, placement=placement) as engine:
        assert _generate(engine, "Name a river.", 8).text()


def test_a_tensor_split_that_cannot_be_is_refused(chat_model_file: Path) -> None:
    for shares in ((0.0, 0.0), (1.0,) * 1000, (-1.0, 1.0)):
        with pytest.raises(ModelLoadError, match="tensor_split"):
            LlamaEngine(chat_model_file, context_tokens=512, placement=Placement(tensor_split=shares))
