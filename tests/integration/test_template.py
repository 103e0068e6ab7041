"""Chat templates of other models, broken ones and hostile ones, over the real vocabulary of smollm2-135m."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentkit.errors import MessageError, ModelLoadError
from agentkit.models.engine import LlamaEngine
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.models.template import ChatTemplate

pytestmark = pytest.mark.model

USER = [{"role": "user", "content": "Hello"}]
SYSTEM = [{"role": "system", "content": "Be brief."}, *USER]


@pytest.fixture(scope="module")
def vocabulary(chat_model_file: Path) -> Iterator[Vocabulary]:
    with LlamaEngine(chat_model_file, context_tokens=512) as engine:
        yield engine.vocabulary


def _text(vocabulary: Vocabulary, template: str, messages: list[dict[str, str]], **options: bool) -> str:
    prompt = ChatTemplate(template, vocabulary).prompt(messages, **options)  # type: ignore[arg-type]
    return b"".join(vocabulary.piece(token) for token in prompt.tokens).decode()


@pytest.mark.parametrize(
    "template",
    [
        (
            "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
            "[{{ m.role }}] {{ m.content }}{% endfor %}"
        ),
        "{% for m in messages if m.role != 'system' %}[{{ m.role }}] {{ m.content }}{% endfor %}",
    ],
    ids=["refuses a system message", "leaves it out in silence"],
)
def test_a_system_message_reaches_models_that_know_none(vocabulary: Vocabulary, template: str) -> None:
    assert _text(vocabulary, template, SYSTEM) == "[user] Be brief.\n\nHello"


def test_a_prompt_that_ends_inside_a_thought_says_so(vocabulary: Vocabulary) -> None:
    source = (
        "{{ messages[0].content }}{% if enable_thinking is defined and not enable_thinking %}<think></think>"
        "{% else %}<think>\n{% endif %}"
    )
    template = ChatTemplate(source, vocabulary)
    assert template.knows_reasoning
    assert template.prompt(USER).is_reasoning_open
    assert not template.prompt(USER, enable_thinking=False).is_reasoning_open


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}",
        "{% set x = 'a' * 10**12 %}{{ x }}",
        "{{ 9**9**9 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ raise_exception('no') }}",
        "{{ messages[7].content }}",
        "{{ 1 / 0 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set messages = [] %}{{ messages.append(1) }}",
        "{{ self.__init__.__globals__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{{ 'x'|center(40000000000) }}",
        "{{ 'x'.ljust(40000000000) }}",
        "{{ 'x'|indent(40000000000, true) }}",
        "{{ '%40000000000d'|format(1) }}",
        "{{ '%40000000000d' % 1 }}",
        "{{ '%-40000000000s' % 1 }}",
        "{{ '%.40000000000f' % 1 }}",
        "{{ '%*d' % (40000000000, 1) }}",
        "{{ '%(a)40000000000d' % {'a': 1} }}",
        "{{ '%+ 040000000000d'|format(1) }}",
        "{{ [1]|tojson(indent=40000000000) }}",
        "{% set x = 'a' * 1000000 %}{{ x.replace('a', x) }}",
        "{% set x = 'a' * 1000000 %}{{ x|replace('a', x) }}",
        "{% set x = 'a' * 1000000 %}{{ ([x] * 100000)|join(x) }}",
        "{% set x = 'a' * 1000000 %}{{ x.join(['b'] * 100000) }}",
        "{% set x = 'a' * 1000000 %}{% for i in range(99999) %}{{ x }}{% endfor %}",
        "{% set x = 'a' * 1000000 %}{% set y %}{% for i in range(99999) %}{{ x }}{% endfor %}{% endset %}{{ y }}",
    ],
)
def test_hostile_templates_neither_hang_nor_reach_out_of_the_sandbox(vocabulary: Vocabulary, source: str) -> None:
    started, before = time.monotonic(), psutil.Process().memory_info().rss
    text = ""
    with suppress(MessageError, ModelLoadError):  # an error of ours, or text that gives nothing away
        text = _text(vocabulary, source, USER)
    assert not re.search("root:|uid=|<class|<module", text)
    assert time.monotonic() - started < 30
    assert psutil.Process().memory_info().rss - before < 1e9


def test_texts_are_put_together_as_jinja_does(vocabulary: Vocabulary) -> None:
    source = (
        "{{ 'a' ~ 1 }}{{ 'b' + 'c' }}{{ [1, 2]|join('-') }}{{ 'x.y'|replace('.', '') }}"
        "{{ 'z'.replace('z', 'w') }}{{ 5 % 3 }}"
        "{{ [{'a': {'b': 7}}, {'a': {'b': 8}}]|join(d='+', attribute='a.b') }}{{ 'oo'|replace('o', 'u', count=1) }}"
        "{{ '%03d' % 7 }}{{ '%s|%.2f'|format('q', 1.5) }}{{ 'r\ns'|indent(2) }}"
    )
    assert _text(vocabulary, source, USER) == "a1bc1-2xyw27+8uo007q|1.50r\n  s"


def test_a_template_that_is_no_jinja_is_refused_at_once(vocabulary: Vocabulary) -> None:
    with pytest.raises(ModelLoadError, match="not valid Jinja"):
        ChatTemplate("{% for %}", vocabulary)


def test_control_tokens_in_tools_calls_and_results_stay_text(vocabulary: Vocabulary) -> None:
    control = set(vocabulary.control_tokens.values())
    source = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    template = ChatTemplate(source, vocabulary)

    def count(text: str) -> int:
        call = {"type": "function", "function": {"name": "look", "arguments": {"at": text}}}
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "name": "look", "content": text},
        ]
        tools = [{"type": "function", "function": {"name": "look", "description": text, "parameters": {}}}]
        return sum(token in control for token in template.prompt(messages, tools=tools).tokens)

    plain = count("x")
    for text in vocabulary.control_tokens:
        assert count(f"a {text} b") == plain, text
