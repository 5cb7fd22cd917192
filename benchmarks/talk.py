"""Properties of scripted messages: variety, facts and answers, strategies, repetition, legibility, conduct.

    python benchmarks/talk.py [--scenarios N]

Rules recognise the strategies. The rules for threats and blame are the words with which a review found that the earlier
voice showed neither; those for hardship and silence follow the personas' texts, and were written after the phrases.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from poise import Pairing, find_agent, load_scenarios
from poise.agents.conduct import violations
from poise.agents.emotions import EMOTIONS7, EMOTIONS28, TO_SEVEN
from poise.agents.emotions.detector import default_detector
from poise.agents.personas import persona_names
from poise.agents.voices.scripted import phrases, stated_facts
from poise.games.domains import DOMAINS
from poise.games.moves import SEATS

CREDITORS = ("vanilla", "random", "eq-negotiator")
HEARD = {
    "threatening": re.compile(r"lawyer|complain|review|court|press\b|\bsue\b|report (?:you|this)", re.I),
    "victim": re.compile(r"unfair|blame|fault|nobody", re.I),
    "cheating": re.compile(
        r"\bill\b|sick|hospital|doctor|rent\b|food|sleep|lose|lost|cr(?:y|ie)|hurt|pain|bleed|child|mother|family|sold"
        r"|salary|faint|weak|drop to drink|trust me|believe me|every cent|never|you will see|promise|my word",
        re.I,
    ),
}
LABELLED = Path(__file__).with_name("talk_sample.jsonl")


def terse(text):
    """One short sentence beside the number: no reason, no question."""
    return len(text.split()) <= 14 and "?" not in text and "because" not in text.lower()


def sentences(text):
    """The sentences of a message, its numbers masked."""
    return re.split(r"(?<=[.!?]) ", re.sub(r"\d[\d,]*", "0", text))


def played(scenarios):
    """(domain, debtor, transcript) of each creditor against each persona."""
    for domain in DOMAINS:
        cases = load_scenarios(f"builtin:{domain}:0-{scenarios - 1}")
        for creditor in CREDITORS:
            for debtor in persona_names():
                pairing = Pairing(find_agent(creditor, "creditor"), find_agent(debtor, "debtor"))
                for seed, case in enumerate(cases):
                    yield domain, debtor, pairing.play(case, seed).transcript


def said_of(domain, seat, context):
    """(answers, facts) of a seat as they begin, or are."""
    told = phrases(domain)
    heads = {text.partition("{")[0] for (whose, _), texts in told.answers.items() if whose == seat for text in texts}
    begun = {text.partition("{theirs}")[0] + "0" if "{theirs}" in text else text for text in heads}
    return begun, set(stated_facts(told.facts[seat], context))


def variety():
    """Print the smallest number of tones of an emotion and seat in each domain."""
    for domain in DOMAINS:
        tones = {key: len(texts) for key, texts in phrases(domain).feelings.items() if key[1] in EMOTIONS28}
        print(f"{domain:9} first sentences an emotion and seat: {min(tones.values())} to {max(tones.values())}")


def legibility():
    """Print how often the detector reads a tone as the right one of the seven, and what else it reads."""
    detector, read = default_detector(), defaultdict(Counter)
    for domain in DOMAINS:
        for (_, emotion), texts in phrases(domain).feelings.items():
            for seen in detector.read_many(texts):
                read[emotion][EMOTIONS7[max(range(7), key=seen.seven.__getitem__)]] += 1
    right = {emotion: counts[TO_SEVEN.get(emotion, "neutral")] / counts.total() for emotion, counts in read.items()}
    print(f"tones read as meant, of seven: {sum(right.values()) / len(right):.3f}")
    for emotion, counts in read.items():
        others = ", ".join(f"{name} {count / counts.total():.2f}" for name, count in counts.most_common(3))
        print(f"| {emotion} | {right[emotion]:.2f} | {others} |")


def main():
    """Print all measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenarios", type=int, default=20)
    arguments = parser.parse_args()
    variety()
    messages, telling, broken, repeated, sentences_said = 0, Counter(), 0, 0, 0
    strategies, field, first = defaultdict(Counter), Counter(), defaultdict(set)
    for domain, debtor, transcript in played(arguments.scenarios):
        known = {seat: said_of(domain, seat, transcript.scenario.context) for seat in SEATS}
        said = {seat: set() for seat in SEATS}
        for message in transcript.messages:
            messages += 1
            answers, facts = known[message.seat]
            parts = re.split(r"(?<=[.!?]) ", message.text)
            heard = any(part.startswith(tuple(each for each in answers if len(each) > 5)) for part in parts)
            fact = any(part in facts for part in parts)
            telling.update({"answer": heard, "fact": fact, "either": heard or fact})
            broken += bool(violations(message.text, message.seat, domain))
            masked = sentences(message.text)
            repeated += sum(part in said[message.seat] for part in masked)
            sentences_said += len(masked)
            said[message.seat].update(masked)
            field[" ".join(masked)] += 1
            first[message.emotion, message.seat, domain].add(masked[0])
            if message.seat == "debtor":
                rule = terse if debtor == "stonewalling" else HEARD.get(debtor, re.compile("")).search
                strategies[debtor].update({"heard": bool(rule(message.text)), "messages": 1})
    print(f"{messages:,} messages, {len(field):,} different ones with numbers masked ({len(field) / messages:.0%})")
    for name, count in telling.items():
        print(f"messages with {name}: {count / messages:.1%}")
    print(f"sentences that the seat has said before in the negotiation: {repeated / sentences_said:.1%}")
    for debtor in ("threatening", "victim", "cheating", "stonewalling"):
        print(f"{debtor}: strategy heard in {strategies[debtor]['heard'] / strategies[debtor]['messages']:.1%}")
    print(f"messages of creditors that break a rule of conduct: {broken}")
    if LABELLED.exists():
        rows = [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]
        print(f"labelled sample: {sum(row['answers'] for row in rows)} of {len(rows)} replies answer what was said")
    legibility()


if __name__ == "__main__":
    main()
