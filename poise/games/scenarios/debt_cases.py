"""Debt scenarios made up from a seed.

The four margins that the published credit-recovery set fixes (`crad_facts`: 100 rows) are followed by drawing from
their inverse distribution functions, with u uniform in (0, 1):

    creditor target   5 + floor(16 u)               5 to 20 days, mean 12.5         (published 12.45)
    debtor target     32 + floor(148 u^0.811)       32 to 179 days, mean 113.2      (published 113.5)
    days overdue      32 + floor(328 u^1.277)       32 to 359 days, mean 175.6      (published 175.6)
    gap               kept within 15 to 172 days, mean 101                          (published 101.0)

The exponents put the means where they are published: the mean of a + b u^k is a + b / (k + 1). Each u is stratified
over the set (one draw in each n-th of the unit interval, shuffled; McKay, Beckman and Conover 1979), so that every
seed, and not only the default one, keeps the margins closely. The targets are drawn apart from everything that is
told in words.

Balances, 15,700 dollars in every published row, vary here: log-logistic (Fisk 1961, who used it for incomes) around a
median of 15,700 dollars times a factor by kind of credit (0.55 for a cash advance to 2.2 for a mortgage), shape 2.5,
cut at the 2nd and 98th percentile: about 1,800 to 164,000 dollars. The amount first lent is 1.3 to 3.2 times the
balance and interest runs at 12 % a year, as published.

No text and no number of a scenario contains either target: a figure that happens to is drawn again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from poise.common.seeds import Dice
from poise.games.scenario import Scenario
from poise.games.scenarios.debt_stories import Plot, Trade, compose, vocabulary
from poise.games.scenarios.storytelling import Decks, strata

SMALLEST_GAP: Final = 15
LARGEST_GAP: Final = 172
INTEREST_RATE: Final = 0.12
MEDIAN_BALANCE: Final = 15_700


def generate_debt(n: int, seed: int) -> list[Scenario]:
    """`n` debt scenarios, `debt-000` onwards; use `generator.generate`, which checks `n` and `seed`."""
    dice = Dice(seed, "scenarios/debt")
    decks = Decks(dice.child("decks"))
    used: set[str] = set()
    return [_case(index, draw, decks, used) for index, draw in enumerate(_draws(n, dice))]


@dataclass(frozen=True, slots=True)
class _Draw:
    """The numbers of one scenario (days), the uniform that places its balance, and dice for the rest."""

    creditor_target: int
    debtor_target: int
    overdue: int
    wealth: float
    dice: Dice


def _draws(n: int, dice: Dice) -> Iterator[_Draw]:
    columns = [strata(n, dice.child(name)) for name in ("creditor", "debtor", "overdue", "balance")]
    for index, (creditor, debtor, overdue, wealth) in enumerate(zip(*columns, strict=True)):
        low = 5 + int(16 * creditor)
        high = min(max(32 + int(148 * debtor**0.811), low + SMALLEST_GAP), low + LARGEST_GAP)
        days = 32 + int(328 * overdue**1.277)
        if days == high:
            days += 1
        yield _Draw(low, high, days, wealth, dice.child(index))


def _case(index: int, draw: _Draw, decks: Decks, used: set[str]) -> Scenario:
    vocab = vocabulary()
    trade = decks.deal("trades", vocab.trades)
    kind, purpose, do = decks.deal(f"{trade.sector}/purposes", trade.purposes)
    why, reason = decks.deal(f"{trade.sector}/reasons", trade.reasons)
    stage = [stage["label"] for stage in vocab.credit["stages"] if stage["from"] <= draw.overdue][-1]
    cash = decks.deal("cash", sorted(vocab.phrases["cash"]))
    credit = vocab.credit["kinds"][kind]
    original, balance, interest = _money(draw, credit["factor"])
    parties = _parties(trade, kind, decks, used)
    kinds = decks.deal(f"{trade.sector}/kinds", trade.kinds)
    founded, taken_up = draw.dice.pick(range(1948, 2016)), draw.dice.pick(range(1994, 2020))
    words = {"kind": kinds, "do": do, "credit": credit["phrase"], "original": original}
    words |= parties | {"year": str(founded), "recent": str(taken_up)}
    security = _security(trade, kind, decks)
    context = {
        "Creditor": parties["creditor"],
        "Debtor": parties["debtor"],
        "Sector": trade.sector,
        "Credit type": credit["label"],
        "Purpose": _capital(purpose),
        "Original amount": original,
        "Outstanding balance": balance,
        "Interest accrued": interest,
        "Days overdue": str(draw.overdue),
        "Reason for overdue": vocab.credit["reasons"][why],
        "Collateral": _capital(security),
        "Recovery stage": stage,
        "Cash-flow situation": cash,
        "Proposed solution": _solution(security, decks),
        "Situation": compose(Plot(reason, cash, stage, words), decks),
    }
    return Scenario(f"debt-{index:03d}", "debt", draw.creditor_target, draw.debtor_target, context=context)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _parties(trade: Trade, kind: str, decks: Decks, used: set[str]) -> dict[str, str]:
    """Names of the lender, the business, its owner and its town; a business name is not used twice if possible."""
    names = vocabulary().names
    lenders = vocabulary().credit["kinds"][kind]["lenders"]
    for _ in range(50):
        surname, second, lender, partner = (decks.deal("surname", names["surname"]) for _ in range(4))
        town = decks.deal("coast" if trade.coast else "inland", names["coast" if trade.coast else "inland"])
        pattern = decks.deal(f"{trade.sector}/names", trade.names)
        debtor = pattern.format(surname=surname, second=second, place=town)
        if debtor not in used:
            break
    used.add(debtor)
    bank = decks.deal(f"{kind}/lenders", lenders)
    bank = bank.format(surname=lender, second=partner, place=decks.deal("lender towns", names["inland"]))
    owner = f"{decks.deal('first', names['first'])} {surname}"
    again = {"creditor again": "the lender", "debtor again": trade.short, "owner again": surname}
    return {"creditor": bank, "debtor": debtor, "owner": owner, "place": town} | again


def _security(trade: Trade, kind: str, decks: Decks) -> str:
    """What the loan is secured with: one of the usual securities of its kind that this business has."""
    credit = vocabulary().credit
    general = credit["security"]
    own = {"equipment": trade.equipment, "inventory": trade.inventory, "premises": trade.premises}
    usual = [general.get(name) or own[name] for name in credit["kinds"][kind]["security"]]
    return decks.deal(f"{trade.sector}/{kind}/security", [text for text in usual if text])


def _solution(security: str, decks: Decks) -> str:
    """What has been proposed: a sale only of things, a guarantee only where there is none yet."""
    general = vocabulary().credit["security"]
    pool: dict[str, list[str]] = dict(vocabulary().credit["solutions"])
    if security in general.values():
        del pool["sale"]
    if security == general["guarantee"]:
        del pool["guarantee"]
    idea = decks.deal("solutions without " + "/".join(sorted(pool)), sorted(pool))
    return decks.deal(idea, pool[idea]).format(security=security)


def _money(draw: _Draw, factor: float, attempt: int = 0) -> tuple[str, str, str]:
    """Amount first lent, balance and interest accrued, in dollars; none holds a target's digits as a group.

    A refused balance is redrawn nearby, and ever less near: all from 5,335 to 5,665 begin with a target of 5.
    """
    odds = min(max(draw.wealth, 0.02), 0.98)
    nudge = math.exp(0.1 * attempt * (draw.dice.unit() - 0.5))
    balance = round(MEDIAN_BALANCE * factor * nudge * (odds / (1 - odds)) ** 0.4)
    original = round(balance * (1.3 + 1.9 * draw.dice.unit()) / 500) * 500
    interest = round(balance * INTEREST_RATE * draw.overdue / 365)
    amounts = f"${original:,}", f"${balance:,}", f"${interest:,}"
    targets = {str(draw.creditor_target), str(draw.debtor_target)}
    if targets.isdisjoint(re.findall(r"\d+", " ".join(amounts))):
        return amounts
    return _money(draw, factor, attempt + 1)
