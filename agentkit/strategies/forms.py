"""What an answer looks like: a number, a choice, text, or JSON; how it is constrained, read and compared.

A local model is constrained to the form; what another model says is read leniently and may be refused.
"""

import json
import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from agentkit.errors import StrategyError
from agentkit.models.constraints import Constraint, choice, json_schema, regex

_NUMBER = re.compile(r"(?:(?<!\w)[-−])?\$?(?:\d+(?:,\d{3})*(?:\.\d+)?|(?<![\w.])\.\d+)(?:[eE][-+]?\d{1,2}\b)?")
"""A sign stands behind no letter or digit: `10-12` is a range, `B-52` a name."""
_PLAIN = str.maketrans({"$": None, ",": None, "−": "-"})
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)
_HYPHEN = re.compile(r"(?<=\w)-(?=\w)")
_PUNCTUATION = re.compile(rf"(?!(?<=\d)\.(?=\d)|(?<!\w)-(?=\$?\.?\d))[{re.escape(string.punctuation)}]")
"""All but a decimal point and a sign: 3.5 is not 35."""
_ARTICLES = {"a", "an", "the"}


class AnswerForm(Protocol):
    """The shape of an answer."""

    @property
    def description(self) -> str:
        """What the prompt says of it: "a number"."""
        ...

    @property
    def constraint(self) -> Constraint:
        """What a local model is held to."""
        ...

    def parse(self, text: str) -> str | None:
        """The answer in `text`, in one canonical spelling; None where there is none."""
        ...

    def key(self, answer: str) -> str:
        """What two equal answers have in common: votes are counted by it."""
        ...


@dataclass(frozen=True, slots=True)
class NumberForm:
    """A number; the last one of a text counts.

    >>> NumberForm().parse("so she pays $1,250.50.")
    '1250.5'
    """

    @property
    def description(self) -> str:
        return "a number without its unit"

    @property
    def constraint(self) -> Constraint:
        return regex(r"-?\$?[0-9]{1,15}(,[0-9]{3})*(\.[0-9]{1,9})?")

    def parse(self, text: str) -> str | None:
        found = _NUMBER.findall(text)
        if not found:
            return None
        number = Decimal(found[-1].translate(_PLAIN))
        plain = f"{number:f}"
        if "." in plain:
            plain = plain.rstrip("0").rstrip(".")
        return "0" if plain == "-0" else plain

    def key(self, answer: str) -> str:
        return self.parse(answer) or ""


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """One of several options, verbatim.

    >>> ChoiceForm(("yes", "no")).parse("I would say Yes.")
    'yes'
    """

    options: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(map(str.casefold, self.options))) < 2:
            raise StrategyError(f"a choice needs two different options or more, not {list(self.options)}")

    @property
    def description(self) -> str:
        return "one of: " + ", ".join(self.options)

    @property
    def constraint(self) -> Constraint:
        return choice(self.options)

    def parse(self, text: str) -> str | None:
        """The option that stands alone in the text, or the only one that the text names."""
        plain = text.strip().strip(".*\"'`() ").casefold()
        for option in self.options:
            if plain == option.casefold():
                return option
        # Longest first, and each taken out of the text: "not good" does not also name "good".
        named, rest = [], text
        for option in sorted(self.options, key=len, reverse=True):
            found = re.compile(rf"(?<!\w){re.escape(option)}(?!\w)", re.IGNORECASE)
            if found.search(rest):
                named.append(option)
                rest = found.sub(" ", rest)
        return named[0] if len(named) == 1 else None

    def key(self, answer: str) -> str:
        return answer.casefold()


@dataclass(frozen=True, slots=True)
class TextForm:
    """Any text. Votes ignore case, punctuation, articles and spacing.

    >>> TextForm().key("The  Tay.") == TextForm().key("tay")
    True
    """

    @property
    def description(self) -> str:
        return "the answer in one line"

    @property
    def constraint(self) -> Constraint:
        return regex(r"[^\n]+")

    def parse(self, text: str) -> str | None:
        return text.strip() or None

    def key(self, answer: str) -> str:
        text = _HYPHEN.sub(" ", unicodedata.normalize("NFKC", answer).casefold())
        words = _PUNCTUATION.sub("", text).split()
        return " ".join(word for word in words if word not in _ARTICLES) or answer.strip()


@dataclass(frozen=True, slots=True)
class JsonForm:
    """JSON that is valid under a JSON schema. Votes ignore spacing and the order of keys."""

    schema: Mapping[str, Any]  # Any: whatever JSON holds

    def __post_init__(self) -> None:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        try:
            Draft202012Validator.check_schema(dict(self.schema))
        except SchemaError as error:
            raise StrategyError(f"the answer's JSON schema is not one: {error.message}") from error

    @property
    def description(self) -> str:
        return "one line of JSON that fits this JSON schema: " + json.dumps(self.schema, ensure_ascii=False)

    @property
    def constraint(self) -> Constraint:
        return json_schema(self.schema)

    def parse(self, text: str) -> str | None:
        from jsonschema import Draft202012Validator

        fenced = _FENCED.findall(text)
        try:
            value = json.loads(fenced[-1] if fenced else text)
        except ValueError:
            return None
        if not Draft202012Validator(dict(self.schema)).is_valid(value):
            return None
        return json.dumps(value, ensure_ascii=False)

    def key(self, answer: str) -> str:
        return json.dumps(json.loads(answer), ensure_ascii=False, sort_keys=True)
