"""How an answer is shown: its text as it is decoded, then the quotes that it rests on and their sources."""

import sys
from types import TracebackType
from typing import Self, TextIO

from agentkit.cli._invocation import note
from agentkit.cli._progress import Waiting
from agentkit.cli._render import SourceFinder, print_sources, print_table, print_unsupported
from agentkit.cli._terminal import neutralise
from agentkit.results import Answer


class AnswerPrinter:
    """Writes an answer to stdout piece by piece where it is streamed, else at the end, with its sources below."""

    def __init__(self, *, is_streamed: bool) -> None:
        self._is_streamed = is_streamed
        self._shown = ""
        self._waiting = Waiting("thinking…")

    def __enter__(self) -> Self:
        self._waiting.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.stop()
        if kind is not None and self._shown:
            print(flush=True)  # an error's line begins on a line of its own

    def show(self, piece: str) -> None:
        """The next piece of the answer's text."""
        if not self._is_streamed or not piece:
            return
        self._waiting.stop()
        sys.stdout.write(neutralise(piece))
        sys.stdout.flush()
        self._shown += piece

    def finish(self, answer: Answer, *, find: SourceFinder) -> None:
        """What of the answer was not streamed, and its sources."""
        self._waiting.stop()
        if self._shown.strip() == answer.text.strip():
            print()
        else:  # nothing was streamed, or the finished text is another one
            lead = "\n\n" if self._shown else ""
            print(f"{lead}{neutralise(answer.text)}")
        print_unsupported(answer, sys.stdout)
        print_sources(answer, find, sys.stdout)


def print_passages(answer: Answer, stream: TextIO) -> None:
    """Which passages went into the prompt, which did not fit, and what each takes."""
    rows = [
        (number, passage.path, f"{passage.start}-{passage.end}", passage.tokens, "yes" if passage.is_included else "no")
        for number, passage in enumerate(answer.passages, start=1)
    ]
    print_table("Passages", ("#", "path", "characters", "tokens", "read"), rows, stream)
    included = sum(passage.tokens for passage in answer.passages if passage.is_included)
    left_out = sum(passage.tokens for passage in answer.passages if not passage.is_included)
    print(f"passages read: {included} tokens; left out: {left_out} tokens", file=stream)


def print_usage(answer: Answer) -> None:
    """What the answer cost."""
    usage = answer.usage
    note(
        f"read {usage.prompt_tokens} tokens ({usage.cached_tokens} of them cached), wrote "
        f"{usage.completion_tokens} ({usage.forced_tokens} of them forced) in {usage.seconds:.1f} s"
    )
