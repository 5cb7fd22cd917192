"""Writes the printed negotiations beside this file: one a persona in each domain, without a model.

python docs/talks/make_talks.py
"""

from __future__ import annotations

from pathlib import Path

from poise import Pairing, find_agent, load_scenarios
from poise.agents.personas import persona_names
from poise.games.domains import DOMAINS, domain_words
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript

CREDITOR = "eq-negotiator"


def main(folder: Path) -> None:
    """One page a domain, in `folder`."""
    for domain in DOMAINS:
        scenarios = [each for each in load_scenarios(f"builtin:{domain}:80-99") if each.gap > 40]
        pages = [
            _section(persona, scenarios[place % len(scenarios)], place) for place, persona in enumerate(persona_names())
        ]
        head = (
            f"# Negotiations in the {domain} domain\n\n"
            f"Without a model: `{CREDITOR}` against each persona, as `python docs/talks/make_talks.py` prints "
            "them. In brackets is the emotion that the message was meant to show.\n"
        )
        (folder / f"{domain}.md").write_text("\n".join([head, *pages]), encoding="utf-8", newline="\n")


def _section(persona: str, scenario: Scenario, seed: int) -> str:
    pairing = Pairing(find_agent(CREDITOR, "creditor"), find_agent(persona, "debtor"))
    return printed(pairing.play(scenario, seed).transcript, persona)


def printed(transcript: Transcript, persona: str) -> str:
    """One negotiation as Markdown."""
    words, scenario = domain_words(transcript.scenario.domain), transcript.scenario
    lines = [f"## {persona}\n", f"> {scenario.context.get('Situation', '')}\n"]
    for message in transcript.messages:
        shown = f" [{message.emotion}]" if message.emotion else ""
        lines.append(f"- **{words.label(message.seat)}**{shown}: {message.text}")
    lines.append(f"\n{transcript.outcome.reason}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(__file__).parent)
