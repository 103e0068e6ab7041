"""Reasoning models: what of a reply is thought, inside `<think>` tags, and what is answer.

Tags can be missing: some templates open the block in the prompt, some models forget the opening tag, and a token limit
can leave the whole reply inside.
"""

OPEN_REASONING, CLOSE_REASONING = "<think>", "</think>"


def without_reasoning(text: str, *, may_lack_tag: bool) -> str:
    """`text` of an assistant's message without its reasoning, which is never replayed.

    `may_lack_tag`: what stands before a closing tag without an opening one is reasoning, as a reasoning model may mean
    it; else it is text about tags.
    """
    before, closing, after = text.partition(CLOSE_REASONING)
    if before.lstrip().startswith(OPEN_REASONING):
        return after.lstrip()
    is_answer = closing and may_lack_tag and OPEN_REASONING not in before
    return after.lstrip() if is_answer else text


class ReasoningText:
    """Text of a reply, piece by piece, to reasoning and answer."""

    def __init__(self, *, is_open: bool, may_lack_tag: bool) -> None:
        """`is_open`: the prompt ends inside a block. `may_lack_tag`: text can turn out to be reasoning when a closing
        tag comes, so it is held until one does or the reply ends.
        """
        self._state = "reasoning" if is_open else "start"
        self._may_lack_tag = may_lack_tag
        self._held = ""
        self._has_reasoned = False

    def add(self, text: str, *, is_last: bool = False) -> tuple[str, str]:
        """Reasoning and answer that became certain with `text`."""
        self._held += text
        reasoning = answer = ""
        if self._state == "start":
            self._begin(is_last=is_last)
        if self._state == "unsure":
            before, tag, after = self._held.partition(CLOSE_REASONING)
            if tag:
                self._state, self._held, reasoning = "gap", after, before.strip()
            elif is_last:
                self._state = "answer"
        if self._state == "reasoning":
            reasoning = self._reason(is_last=is_last)
        if self._state == "gap":
            self._held = self._held.lstrip()
            self._state = "answer" if self._held else "gap"
        if self._state == "answer":
            answer, self._held = self._held, ""
        return reasoning, answer

    def _begin(self, *, is_last: bool) -> None:
        begun = self._held.lstrip()
        if begun.startswith(OPEN_REASONING):
            self._state, self._held = "reasoning", begun[len(OPEN_REASONING) :]
        elif is_last or not OPEN_REASONING.startswith(begun):
            self._state = "unsure" if self._may_lack_tag else "answer"

    def _reason(self, *, is_last: bool) -> str:
        if not self._has_reasoned:
            self._held = self._held.lstrip()
            self._has_reasoned = bool(self._held)
        before, tag, after = self._held.partition(CLOSE_REASONING)
        if tag:
            self._state, self._held = "gap", after
            return before.rstrip()
        keep = 0 if is_last else len(self._held) - len(self._certain())
        certain, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return certain.rstrip() if is_last else certain

    def _certain(self) -> str:
        """Without what could be the closing tag's beginning, or white space before it."""
        for length in range(len(CLOSE_REASONING) - 1, 0, -1):
            if self._held.endswith(CLOSE_REASONING[:length]):
                return self._held[:-length].rstrip()
        return self._held.rstrip()
