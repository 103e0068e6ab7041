"""An evaluation, or two side by side, for people: Markdown, and one HTML page that needs nothing else."""

from agentkit.evaluation.records import Evaluation
from agentkit.evaluation.statistics import Difference, paired_difference

_PLOTTED = 220
"""Pixels that stand for 1 in the plot."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>
 body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
 table { border-collapse: collapse } td, th { padding: .25rem .75rem; border-bottom: 1px solid #ddd; text-align: left }
 td.number { text-align: right; font-variant-numeric: tabular-nums } .wrong { color: #a00 }
</style></head><body>
<h1>{{ title }}</h1>
<p>{% for key, value in settings.items() %}{{ key }}: <b>{{ value }}</b>{{ "" if loop.last else ", " }}{% endfor %};
 {{ "%.1f"|format(seconds) }} s</p>
{% for note in notes %}<p class="wrong">{{ note }}</p>{% endfor %}
<table><tr><th>metric</th><th>mean</th><th>95 % interval</th><th>questions</th><th></th></tr>
{% for row in rows %}<tr><td>{{ row.metric }}</td><td class="number">{{ row.mean }}</td>
<td class="number">{{ row.low }} to {{ row.high }}</td><td class="number">{{ row.count }}</td>
<td>{% if row.plot %}<svg width="{{ width }}" height="14" role="img" aria-label="{{ row.mean }}">
<rect width="{{ width }}" height="14" fill="#eee"/><rect width="{{ row.plot.mean }}" height="14" fill="#4a7ab5"/>
<line x1="{{ row.plot.low }}" x2="{{ row.plot.high }}" y1="7" y2="7" stroke="#111" stroke-width="2"/></svg>{% endif %}
</td></tr>{% endfor %}</table>
<h2>Questions</h2><table><tr>{% for name in columns %}<th>{{ name }}</th>{% endfor %}</tr>
{% for detail in details %}<tr>{% for value in detail %}<td>{{ value }}</td>{% endfor %}</tr>{% endfor %}</table>
</body></html>
"""


def markdown(evaluation: Evaluation) -> str:
    """A table of means with their intervals, and the notes."""
    settings = ", ".join(f"{key} {value}" for key, value in evaluation.settings.items())
    lines = [
        f"# {evaluation.name}",
        "",
        f"{settings}; {evaluation.seconds:.1f} s",
        "",
        "| metric | mean | 95 % interval | questions |",
        "| --- | ---: | ---: | ---: |",
    ]
    for metric in evaluation.values:
        each = evaluation.mean(metric)
        lines.append(f"| {metric} | {each.mean:.3f} | {each.low:.3f} to {each.high:.3f} | {each.count} |")
    return "\n".join([*lines, "", *(f"- {note}" for note in evaluation.notes)]).rstrip() + "\n"


def html(evaluation: Evaluation) -> str:
    """One page with a plot of the means; every text is escaped."""
    from jinja2 import Environment

    rows = []
    for metric in evaluation.values:
        each = evaluation.mean(metric)
        is_share = each.low >= 0 and each.high <= 1
        plot = {name: round(getattr(each, name) * _PLOTTED, 1) for name in ("mean", "low", "high")}
        shown = {name: f"{getattr(each, name):.3f}" for name in ("mean", "low", "high")}
        rows.append({"metric": metric, **shown, "count": each.count, "plot": plot if is_share else None})
    return (
        Environment(autoescape=True)
        .from_string(_PAGE)
        .render(
            title=f"{evaluation.name} evaluation",
            settings=evaluation.settings,
            seconds=evaluation.seconds,
            notes=evaluation.notes,
            rows=rows,
            width=_PLOTTED,
            columns=_columns(evaluation),
            details=[[_shown(detail.get(key, "")) for key in _columns(evaluation)] for detail in evaluation.details],
        )
    )


def differences(first: Evaluation, second: Evaluation) -> dict[str, Difference]:
    """Metric -> how the second run differs, over the questions that both have a value for."""
    found = {}
    others = renamed(first, second)
    for metric in first.values:
        known = second.values.get(metric, {}).keys() - others
        shared = [question for question in first.values[metric] if question in known]
        if shared:
            pairs = [(first.values[metric][question], second.values[metric][question]) for question in shared]
            found[metric] = paired_difference([a for a, _ in pairs], [b for _, b in pairs])
    return found


def renamed(first: Evaluation, second: Evaluation) -> set[str]:
    """Ids under which the two runs asked something else."""
    asked, asked_too = (
        {str(row.get("id")): row.get("question", row.get("query")) for row in run.details} for run in (first, second)
    )
    return {each for each in asked.keys() & asked_too.keys() if asked[each] != asked_too[each]}


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _columns(evaluation: Evaluation) -> list[str]:
    keys = dict.fromkeys(key for detail in evaluation.details for key in detail)
    return [key for key in keys if key not in ("score", "citations", "rating", "tokens")]
