"""The engine beside a bare llama.cpp loop and llama-cpp-python's own `Llama`, in one run on one model.

    python benchmarks/engine.py [MODEL] [--tokens N] [--skip-peer]

Prints a table and, last, one JSON line. Figures mean something only as ratios within one run: machines are noisy.
"""

import argparse
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil

from agentkit.models.constraints import Constraint, choice, json_schema, regex
from agentkit.models.engine import GenerationRequest, LlamaEngine, Piece, SamplingParameters, engine_report
from agentkit.models.engine.context import ContextSizes, LlamaContext, Slice, default_threads
from agentkit.models.engine.model import LlamaModel
from agentkit.models.store import ModelStore

_TEXT = (Path(__file__).parent.parent / "examples" / "handbook" / "safety.md").read_text("utf-8")
_STORY = "\n\nWrite a long story, of a thousand words, about a whole day of a skipper who works by these rules."
"""No reply to it ends by itself within the tokens that are measured: a batch is full to its end."""
_FREE = "Describe the island in many words."
_PROBLEM = """

Brida crosses from Fennay to Marrick 4 times a day from Monday to Friday and 6 times on Saturday. On a weekday crossing
she carries 36 passengers, of whom a third are children; on a Saturday crossing twice as many passengers, of whom half
are children. A grown-up pays 8 and a child 3. How much do the passengers of a week pay? Think step by step."""
"""Its replies have much in common, as those of self-consistency have."""
_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"const": "register_crossing"},
        "arguments": {
            "type": "object",
            "properties": {
                "vessel": {"enum": ["Brida", "Halcyon", "Little Auk"]},
                "passengers": {"type": "integer", "minimum": 0, "maximum": 96},
                "destination": {"enum": ["Fennay", "Marrick", "Skell"]},
                "remark": {"type": "string", "maxLength": 60},
            },
            "required": ["vessel", "passengers", "destination", "remark"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "arguments"],
    "additionalProperties": False,
}


def main() -> None:
    options = _options()
    path = ModelStore().path(options.model)
    figures: dict[str, object] = {"model": options.model}
    # Each in a process of its own: a second OpenMP pool in one process makes libgomp sleep instead of spin at barriers,
    # which costs a fifth of the speed, whoever comes second.
    bare = _in_own_process(bare_loop, path, options.tokens)
    ours = _in_own_process(our_engine, path, options.tokens)
    peer = {} if options.skip_peer else _in_own_process(llama_cpp_python, path, options.tokens)
    again = _in_own_process(bare_loop, path, options.tokens)
    figures |= {f"bare_{name}": (rate + again[name]) / 2 for name, rate in bare.items()} | ours | peer
    figures |= one_sequence(path, options.tokens)
    for count in (4, 8, 16):
        name = f"batch_{count}_tokens_per_s"
        figures[f"batch_{count}_over_bare_batch"] = figures[name] / figures[f"bare_{name}"]
        figures[f"bare_batch_{count}_over_bare"] = figures[f"bare_{name}"] / figures["bare_tokens_per_s"]
    if peer:
        figures["tool_call_over_peer_grammar"] = figures["tool_call_tokens_per_s"] / peer["peer_grammar_tokens_per_s"]
    for name, value in figures.items():
        print(f"{name:36} {value:>12.2f}" if isinstance(value, float) else f"{name:36} {value!s:>12}")
    print(json.dumps({name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}))


def one_sequence(path: Path, tokens: int) -> dict[str, object]:
    """Ours beside the bare loop, in turn: what a shared machine does in the minutes between two measures is more than
    what the engine adds to a step.
    """
    pairs = [(_in_own_process(our_one, path, tokens), _in_own_process(bare_one, path, tokens)) for _ in range(5)]
    ratios = [ours["rate"] / bare["rate"] for ours, bare in pairs]
    return {"one_sequence_over_bare": statistics.median(ratios), "each_of_them": [round(ratio, 3) for ratio in ratios]}


def our_one(path: Path, tokens: int) -> dict[str, float]:
    with LlamaEngine(path, context_tokens=8192) as engine:
        prompt = _prompt(engine, _FREE)
        engine.generate(GenerationRequest(prompt, 4)).text()
        return {"rate": _decoding_rate(engine, GenerationRequest(prompt, tokens))}


def bare_one(path: Path, tokens: int) -> dict[str, float]:
    model = LlamaModel(path)
    context = LlamaContext(model, ContextSizes(8192))
    prompt = model.vocabulary.tokenize_markup(_markup(_FREE))
    _bare_rate(context, prompt, 4, 1)
    return {"rate": _bare_rate(context, prompt, tokens, 1)}


def our_engine(path: Path, tokens: int) -> dict[str, float]:
    """Our figures, and the memory of the process at their end."""
    with LlamaEngine(path, context_tokens=8192) as engine:
        figures = measure(engine, tokens)
        return {**figures, "memory_gb": psutil.Process().memory_info().rss / 1e9}


def measure(engine: LlamaEngine, tokens: int) -> dict[str, float]:
    """Our figures."""
    prompt = _prompt(engine, _FREE)
    engine.generate(GenerationRequest(prompt, 4)).text()
    one = _decoding_rate(engine, GenerationRequest(prompt, tokens))
    figures = {"one_sequence_tokens_per_s": one, **_drafting(engine, tokens)}
    shared = shared_prompt(engine)
    sequential = _rate(lambda: [_run(engine, shared, tokens, seed=seed) for seed in range(4)])
    figures["shared_prompt_tokens"] = len(shared)
    for count in (4, 8, 16):
        rate = _rate(lambda count=count: run_many(engine, shared, tokens, count))
        figures[f"batch_{count}_tokens_per_s"] = rate
        figures[f"batch_{count}_over_sequential"] = rate / sequential
    figures |= _reasonings(engine, 3 * tokens) | _constraints(engine, tokens, one)
    return figures | _stall(engine) | _cache(engine)


def shared_prompt(engine: LlamaEngine) -> tuple[int, ...]:
    """About 330 tokens that a long story is asked for with."""
    return _prompt(engine, _TEXT[:1200] + _STORY)


def _drafting(engine: LlamaEngine, tokens: int) -> dict[str, float]:
    """Greedy decoding of a reply that repeats its prompt, and of one that does not, with and without drafted tokens."""
    paragraph = _TEXT[200:800]
    repeats = _prompt(engine, f"Repeat this text word by word:\n{paragraph}")
    free = _prompt(engine, _FREE)
    figures = {}
    for name, prompt in (("repeating", repeats), ("free", free)):
        plain, drafted = (GenerationRequest(prompt, tokens, draft_tokens=count) for count in (0, 8))
        same = engine.generate(plain).text() == engine.generate(drafted).text()
        figures[f"drafting_{name}_gain"] = _decoding_rate(engine, drafted) / _decoding_rate(engine, plain)
        figures[f"drafting_{name}_same_text"] = same
    return figures


def _reasonings(engine: LlamaEngine, tokens: int) -> dict[str, float]:
    """Eight reasonings about one problem: side by side, the same without guesses, and one after another."""
    prompt = _prompt(engine, _TEXT[:1200] + _PROBLEM)
    _run(engine, prompt, 1, seed=0)
    one_by_one = _timed(lambda: [_run(engine, prompt, tokens, seed=seed) for seed in range(2)])
    plain = _timed(lambda: run_many(engine, prompt, tokens, 8, draft_tokens=0))
    eight = _timed(lambda: run_many(engine, prompt, tokens, 8))
    return {
        "reasonings_8_tokens_per_s": eight,
        "reasonings_8_over_sequential": eight / one_by_one,
        "reasonings_8_over_no_guesses": eight / plain,
    }


def _decoding_rate(engine: LlamaEngine, request: GenerationRequest) -> float:
    """Tokens per second after the first one."""
    generation = engine.generate(request)
    pieces = iter(generation)
    next(pieces)
    started = time.monotonic()
    for _ in pieces:
        pass
    return (generation.outcome.usage.completion_tokens - 1) / (time.monotonic() - started)


def _constraints(engine: LlamaEngine, tokens: int, free: float) -> dict[str, float]:
    """Tokens per second of constrained replies beside free text on the same prompt."""
    sentences = [line.strip() for line in _TEXT.replace(". ", ".\n").splitlines() if len(line) > 40]
    prompt = _prompt(engine, _TEXT + "\n\nQuote the sentence about the fire bottles.")
    free_text = _rate(lambda: [_run(engine, prompt, tokens, seed=0)])
    quote = _rate(lambda: [_constrained(engine, prompt, choice(sentences)) for _ in range(3)])
    call_prompt = _prompt(engine, "Register a crossing of Brida to Skell with 31 passengers as JSON.")
    call = _rate(lambda: [_constrained(engine, call_prompt, json_schema(_SCHEMA)) for _ in range(3)])
    return {
        "free_text_tokens_per_s": free_text,
        "quote_tokens_per_s": quote,
        "quote_over_free": quote / free_text,
        "tool_call_tokens_per_s": call,
        "tool_call_over_free": call / free,
    }


def _stall(engine: LlamaEngine) -> dict[str, float]:
    """How long a running reply waits for its next token, alone and while a prompt of 1,500 tokens is read beside it."""
    prompt = _prompt(engine, _FREE)
    endless = engine.compile(regex("(?s).{9000}"))
    reply = iter(engine.generate(GenerationRequest(prompt, 2000, matcher=endless)))
    next(reply)
    alone = [_next_gap(reply) for _ in range(12)]
    long = engine.generate(GenerationRequest(tuple((engine.vocabulary.tokenize(_TEXT) * 9)[:1500]), 1))
    read = threading.Thread(target=long.text)
    read.start()
    beside = []
    while read.is_alive():
        beside.append(_next_gap(reply))
    return {
        "gap_alone_s": statistics.median(alone),
        "gap_beside_prompt_s": statistics.median(beside),
        "longest_gap_beside_prompt_s": max(beside),
        "prompt_beside_reply_tokens_per_s": 1500 / sum(beside),
    }


def _next_gap(reply: Iterator[Piece]) -> float:
    """Seconds until the next piece."""
    started = time.monotonic()
    next(reply)
    return time.monotonic() - started


def _cache(engine: LlamaEngine) -> dict[str, float]:
    """Time to the first token of a chat's second turn, with and without its first turn in the cache."""
    first = _prompt(engine, (_TEXT * 3)[:6000])
    started = time.monotonic()
    engine.generate(GenerationRequest(first, 1)).text()
    cold = time.monotonic() - started
    second = first + tuple(engine.vocabulary.tokenize(" Thank you. And in fog?"))
    started = time.monotonic()
    generation = engine.generate(GenerationRequest(second, 1))
    generation.text()
    warm = time.monotonic() - started
    usage = generation.outcome.usage
    long = engine.generate(GenerationRequest(tuple((engine.vocabulary.tokenize(_TEXT) * 20)[:8000]), 1))
    time.sleep(min(1.0, cold))  # of a prompt that takes five times as long
    started = time.monotonic()
    long.cancel()
    assert long.outcome.stop_reason == "cancelled"
    return {
        "prompt_tokens": usage.prompt_tokens,
        "prompt_tokens_per_s": len(first) / cold,
        "evaluated_again": 1 - usage.cached_tokens / usage.prompt_tokens,
        "first_token_cold_s": cold,
        "first_token_cached_s": warm,
        "cold_over_cached": cold / warm,
        "cancel_in_prompt_s": time.monotonic() - started,
    }


def bare_loop(path: Path, tokens: int) -> dict[str, float]:
    """Tokens per second of greedy decoding with nothing around llama.cpp: one sequence, and several in one batch."""
    model = LlamaModel(path)
    context = LlamaContext(model, ContextSizes(8192))
    one = model.vocabulary.tokenize_markup(_markup(_FREE))
    shared = model.vocabulary.tokenize_markup(_markup(_TEXT[:1200] + _STORY))
    figures = {"tokens_per_s": _bare_rate(context, one, tokens, 1)}
    for count in (4, 8, 16):
        figures[f"batch_{count}_tokens_per_s"] = _bare_rate(context, shared, tokens // 2, count)
    context.close()
    model.close()
    return figures


def _bare_rate(context: LlamaContext, prompt: Sequence[int], tokens: int, count: int) -> float:
    """Of `count` replies to one prompt, side by side."""
    (logits,) = context.decode([Slice(0, 0, prompt, 1)])
    best = np.argsort(logits[0])[-count:]  # each reply begins with another token
    last = {sequence: int(token) for sequence, token in enumerate(best, start=1)}
    for sequence in last:
        context.fork(0, sequence, len(prompt))
    started = time.monotonic()
    for position in range(len(prompt), len(prompt) + tokens):
        slices = [Slice(sequence, position, [token], 1) for sequence, token in last.items()]
        last = {part.sequence: int(row[0].argmax()) for part, row in zip(slices, context.decode(slices), strict=True)}
    seconds = time.monotonic() - started
    for sequence in (0, *last):
        context.truncate(sequence, 0)
    return count * tokens / seconds


def llama_cpp_python(path: Path, tokens: int) -> dict[str, float]:
    """The peer: `Llama` free and with its own grammar for the same schema."""
    import llama_cpp
    from llama_cpp import Llama, LlamaGrammar

    # The same model parameters as ours: with extra buffers its first prompt ends the process where there is AMX.
    defaults = llama_cpp.llama_cpp.llama_model_default_params

    def without_extra_buffers() -> object:
        parameters = defaults()
        parameters.use_extra_bufts = uses_extra_buffers
        return parameters

    uses_extra_buffers = not engine_report().is_amx_avoided
    llama_cpp.llama_cpp.llama_model_default_params = without_extra_buffers
    peer = Llama(str(path), n_ctx=8192, n_threads=default_threads(), verbose=False)
    grammar = LlamaGrammar.from_json_schema(json.dumps(_SCHEMA), verbose=False)

    def run(text: str, limit: int, **more: object) -> int:
        output = peer.create_completion(_markup(text), max_tokens=limit, temperature=0.0, **more)
        return output["usage"]["completion_tokens"]

    run(_FREE, 2)
    free = _rate(lambda: [run(_FREE, tokens)])
    call_text = "Register a crossing of Brida to Skell with 31 passengers as JSON."
    call = _rate(lambda: [run(call_text, 120, grammar=grammar) for _ in range(3)])
    return {"peer_free_tokens_per_s": free, "peer_grammar_tokens_per_s": call}


def _in_own_process(measure: Callable[[Path, int], dict[str, float]], path: Path, tokens: int) -> dict[str, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (path, tokens))


def _run(engine: LlamaEngine, prompt: tuple[int, ...], tokens: int, *, seed: int) -> int:
    return run_many(engine, prompt, tokens, 1, first_seed=seed)[0]


def run_many(
    engine: LlamaEngine,
    prompt: tuple[int, ...],
    tokens: int,
    count: int,
    *,
    first_seed: int = 0,
    draft_tokens: int | None = None,
) -> list[int]:
    requests = (
        GenerationRequest(prompt, tokens, SamplingParameters(temperature=0.8, seed=seed), draft_tokens=draft_tokens)
        for seed in range(first_seed, first_seed + count)
    )
    generations = [engine.generate(request) for request in requests]
    return [generation.outcome.usage.completion_tokens for generation in generations]


def _constrained(engine: LlamaEngine, prompt: tuple[int, ...], constraint: Constraint) -> int:
    request = GenerationRequest(prompt, 200, matcher=engine.compile(constraint))
    return engine.generate(request).outcome.usage.completion_tokens


def _rate(run: Callable[[], list[int]]) -> float:
    """Tokens per second, after one run that is not counted: it fills the prompt's cache."""
    run()
    return _timed(run)


def _timed(run: Callable[[], list[int]]) -> float:
    """Tokens per second."""
    started = time.monotonic()
    tokens = sum(run())
    return tokens / (time.monotonic() - started)


def _prompt(engine: LlamaEngine, text: str) -> tuple[int, ...]:
    return tuple(engine.vocabulary.tokenize_markup(_markup(text)))


def _markup(text: str) -> str:
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="qwen2.5-coder-1.5b")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--skip-peer", action="store_true", help="without llama-cpp-python's own Llama")
    return parser.parse_args()


if __name__ == "__main__":
    main()
