"""Judge and referee as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poise.cli.output import plain
from poise.cli.screens.standings import standings_view
from poise.tournaments.judging.agreement import Agreement, Disagreement
from poise.tournaments.judging.counts import Counts
from poise.tournaments.judging.rescoring import Rescored

_WORDS = 160  # characters of a message in an example


def agreement_view(found: Agreement) -> RenderableType:
    """The two tables, the reasons for missing verdicts, and examples of disagreement."""
    parts: list[RenderableType] = [Text(f"\nThe judge {found.judge} against the referee", style="bold")]
    for name, counts in (("messages", found.messages), ("matches", found.matches)):
        parts += [_table(name, counts), _figures(counts)]
    if found.matches.both:
        parts.append(Text(f"with the same message in {found.together} of {found.matches.both} deals of both"))
    for reason, count in found.unjudged.items():
        parts.append(Text(f"{count} messages without a verdict: {plain(reason)}", style="yellow"))
    if found.examples:
        parts.append(Text("\nWhere they differ", style="bold"))
        parts += [line for example in found.examples for line in _example(example)]
    parts.append(_footnote())
    return Group(*parts)


def _table(name: str, counts: Counts) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(f"{counts.total} {name}")
    for heading in ("judge: agreed", "judge: not"):
        table.add_column(heading, justify="right")
    table.add_row("referee: deal", str(counts.both), str(counts.referee_only))
    table.add_row("referee: none", str(counts.judge_only), str(counts.neither))
    return table


def _figures(counts: Counts) -> Text:
    if not counts.total:
        return Text("no verdicts", style="yellow")
    low, high = counts.interval
    kappa = "undefined, because both always give the same answer" if counts.kappa is None else f"{counts.kappa:.3f}"
    return Text(f"same answer {counts.agreed / counts.total:.1%} ({low:.1%} to {high:.1%}), Cohen's kappa {kappa}")


def _example(example: Disagreement) -> Iterator[Text]:
    judge, referee = ("agreed", "no deal") if example.agreed else ("not agreed", "deal")
    head = f"match {example.position}, {example.creditor} against {example.debtor}, message {example.index + 1}: "
    yield Text(f"{head}the judge says {judge}, the referee {referee}", style="dim")
    for seat, text in example.said:
        yield Text(f"  {seat:8} {plain(text, _WORDS)}")


def _footnote() -> Text:
    return Text(
        "\nIntervals are Wilson's, 95 %. Messages of one match depend on each other, so the interval over messages is "
        "too narrow. The referee's deal is the message that ends the negotiation; in a match, the judge's yes is a yes "
        "to any message.",
        style="dim",
    )


def rescored_view(found: Rescored, width: int) -> RenderableType:
    """The standings under the rule, and how its deals differ from the referee's."""
    whose = f" of {found.judge}" if found.judge else ""
    value = "" if found.rule == "referee" else f", at the {_VALUES[found.value]}"
    head = f"\nUnder the rule {found.rule!r}{whose}{value}: {found.deals} deals; the referee saw {found.referee}"
    parts = [
        f"{count} {words}"
        for count, words in (
            (found.earlier, "earlier than the referee's"),
            (found.added, "where the referee saw none"),
            (found.cut, "of the referee's are none (the negotiation ended there, but might have continued)"),
        )
        if count
    ]
    return Group(Text(head, style="bold"), Text("; ".join(parts)), standings_view(found.standings, width))


_VALUES = {"last": "last number said", "midpoint": "midpoint of both sides' last numbers"}
