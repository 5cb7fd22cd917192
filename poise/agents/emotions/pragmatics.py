r"""What a message says of feelings that are not the speaker's own, or not felt now, is left out before it is read.

A linear reader of words takes "I'm afraid I can't go below 60 days" for fear, and "I am not angry with you" for anger.
Formulas are cut out of a normalised text (`poise.agents.emotions.features`); of its clauses, those are left out whose
feeling is denied, somebody else's, of long ago, or supposed:

    formulas   "thank you, but", "sorry to say that", "with all due respect"; in a message about business also "I'm
               afraid (that) I ...", "sorry, ...", "unfortunately"; "so", "very" or "really" beside it means it
    denied     a feeling at most SCOPE + 1 words after not, n't, never, no, nobody, without, ...
    others'    "my boss is angry", "you sound worried", "she said that it was great", "I used to be afraid"
    supposed   in a message about business: a feeling after would, could, might or if, or in a question about it

A message is about business if it has a number or one of the words of a debt, a date or an agreement. Elsewhere "I
would love to" and "unfortunately" are read as GoEmotions' annotators read them on Reddit: as love and as sadness.

The rules were written with tests/data/negotiation_pragmatics_dev.jsonl in view; docs/emotions.md has what they do to
sentences that were kept aside, and to GoEmotions.
"""

from __future__ import annotations

import re
from typing import Final

SCOPE: Final = 4
"""Words between a negation and the feeling that it denies, at most."""

_OF_PERSONS: Final = (
    "angry|mad|furious|livid|irate|enraged|outraged|annoyed|irritated|frustrated|upset|disappointed|sad|saddened|unhappy|"
    "depressed|desperate|ashamed|embarrassed|devastated|miserable|sorry|afraid|scared|frightened|terrified|worried|"
    "nervous|anxious|happy|glad|delighted|pleased|thrilled|excited|grateful|thankful|satisfied|comfortable|proud|relieved|"
    "content|surprised|shocked|astonished|amazed|amused|confused|disgusted|revolted|appalled|hopeful"
)
_FEELING: Final = (
    rf"(?:{_OF_PERSONS}|ang(?:er|ers|ered)|annoy(?:s|ed)?|upsets?|saddens?|disappoints?|frighten(?:s|ed)?|scares?|"
    r"terrif(?:y|ies)|worry|worries|fears?|hat(?:e|es|ed|ing|red)|lov(?:e|es|ed|ing)|enjoy(?:s|ed)?|regret(?:s|ted)?|"
    r"disgusts?|surprises?|shock(?:s|ed)?|blam(?:e|es|ing)|appreciate|thank|rage|fury|joy|pleasure|shame|outrageous|"
    r"disgusting|revolting|shameless|scandalous|ridiculous|annoying|scary|terrible|awful|great|wonderful|lovely|nice|"
    r"fantastic|good)\b"
)
_I_AM: Final = r"(?:i'm|i am|we're|we are)"
_OWNED: Final = r"(?:my|our|your|his|her|their|the|a|an|some|any|other|every) [\w']+"
_BE: Final = (
    r"(?:is|are|am|was|were|be|been|being|gets?|got|feels?|felt|seem(?:s|ed)?|sound(?:s|ed)?|look(?:s|ed)?|made)\b"
)

# What would be found holds one of these.
_LOADED: Final = re.compile(
    rf"\b{_FEELING}|sorry|thank|apolog|unfortunately|regret|sadly|pardon|excuse|forgive|respect"
)
_BUSINESS: Final = re.compile(
    r"\b(?:0|pay\w*|paid|instal\w*|invoices?|bills?|accounts?|balance|debts?|loans?|bank|fees?|rent|deposit|discount|below|"
    r"above|best (?:i|we) can|deadline|due|dates?|deal|offers?|terms?|limit|plan|contract|agree\w*|accept\w*|sign|"
    r"settle\w*|court|letters?|requests?|declined|refund|money|office|policy|board|file|form|proposal|patience|days?|weeks?|months?|"
    r"hours?|minutes?|monday|tuesday|wednesday|thursday|friday|noon|surgery|operation|bedtime|rescue)\b"
)

_EARNEST: Final = re.compile(r"\b(?:so|very|really|deeply|truly|terribly) (?:much|sorry|glad|happy|afraid)\b")
_FORMULAS: Final = re.compile(
    r"\bwith (?:all )?due respect,?"
    r"|\b(?:please )?(?:excuse|pardon|forgive)(?: me)?,(?: but)?"
    rf"|\b(?:(?:i|we) (?:regret|hate)|{_I_AM} sorry) to (?:say|tell|inform|announce)(?: you)?(?: it| that)?"
    r"|\b(?:many thanks|thank you|thanks)(?: [^.!?;,]*)?,? (?:but|however|yet)\b"
    r"|\bno,? (?:thanks|thank you)\b"
    r"|\b(?:many thanks|thank you|thanks) for (?:waiting|writing|calling|(?:your|the) (?:message|letter|e?-?mail|reply|"
    r"answer|offer|call|enquiry|inquiry|request|proposal|response|understanding|attention|time|note|update))\b"
    r"[^.!?;,]*(?=[.;,] ?\S)"
    r"|\b(?:i|we) (?:do |really |fully )?(?:appreciate|understand|value|respect)\b[^.!?;]*,? (?:but|however|yet)\b"
    r"|\b(?:that|it)(?:'s| is)(?: very)? (?:kind|nice|good|generous) of you,? (?:but|however|yet)\b"
    rf"|\b(?:{_I_AM} )?(?:happy|glad|pleased|delighted) to (?:discuss|help|talk|explain|assist|confirm|hear from)\b"
    r"|\bit(?:'s| is) a pleasure to\b"
)
_FORMULAS_OF_BUSINESS: Final = re.compile(
    rf"\b{_I_AM} afraid(?: that)?(?! (?:of|to|for)\b)(?= [\w'])"
    r"|\b(?:i|we) fear(?: that)?(?= (?:0|i|we|the|this|it|there|your|our)\b)"
    rf"|\b(?:{_I_AM} )?sorry(?:,|,? but\b| to (?:bother|trouble|ask|interrupt)(?: you)?(?: again)?"
    r"| for the (?:delay|wait|inconvenience|confusion))"
    r"|\b(?:(?:please )?accept )?(?:my|our) apologies,(?: but)?"
    r"|\b(?:i|we) apologi[sz]e(?:,| but| for the (?:delay|wait|inconvenience|confusion))"
    r"|\b(?:unfortunately|regrettably|sadly),?"
)

_CLAUSE_BORDER: Final = re.compile(
    r"(?<=[.!?;:,\n])|(?= (?:but|because|although|yet|(?:and|so) (?:i|we|it|you|they|he|she))\b)"
)
_DENIED: Final = re.compile(
    r"\b(?:\w+n't|not|cannot|never|no|none|nobody|nothing|neither|nor|without|hardly|barely)"
    r"(?! worr| just| only| merely| been so| be more| thank you enough)"
    rf"(?: (?!how|forget)[\w']+){{0,{SCOPE}}}? {_FEELING}"
)
_OF_OTHERS: Final = re.compile(
    rf"\b(?:he|she|they|you|people|every(?:one|body)|any(?:one|body)|someone|who|{_OWNED}(?: (?!{_BE})[\w']+){{0,2}}?)"
    rf"(?:'s|'re| {_BE})(?: to be)?(?: (?:so|very|really|too|quite|a bit|rather|also|still|always|often|not|just|now|"
    rf"all))* (?:{_OF_PERSONS})\b"
    r"|\b(?:he|she|they|you|people|(?:my|our|your|his|her|their|the) \w+(?: of (?:your|the|my) \w+)?) "
    r"(?:(?:also|often|once) )?(?:says?|said|told|tells?|wrote|writes?|claim(?:s|ed)?|thinks?|thought|ask(?:s|ed)?|"
    rf"mention(?:s|ed)?|call(?:s|ed)? (?:it|this|that|the|me|us)|believe[sd]?)\b.*?\b{_FEELING}"
    r"|\b(?:used to be|last (?:week|month|year|spring|summer|autumn|winter)|(?:years|months|weeks|days) ago|when i was|"
    rf"back then|in 0)\b.*?\b{_FEELING}"
)
_SUPPOSED: Final = re.compile(
    rf"(?:\b(?:would|could|might|may|should)(?:n't)?|'d)(?: [\w']+){{0,4}}? {_FEELING}"
    rf"|\b(?:if|unless|should|whether|were|in case|do you know)\b.*?\b{_FEELING}"
    rf"|^ ?(?:are|is|was|were|do|does|did) (?:you|he|she|they|your|the|my|anyone)\b.*?\b{_FEELING}.*\?$"
)


def own_feelings(normalised: str) -> str:
    """`normalised` without formulas and without the clauses whose feeling is denied, somebody else's or supposed."""
    if not _LOADED.search(normalised):
        return normalised
    text, business = normalised, _BUSINESS.search(normalised)
    if not _EARNEST.search(text):
        text = _FORMULAS.sub("", text)
        text = _FORMULAS_OF_BUSINESS.sub("", text) if business else text
    rules = (_DENIED, _OF_OTHERS, _SUPPOSED) if business else (_DENIED, _OF_OTHERS)
    clauses = [clause for clause in _CLAUSE_BORDER.split(text) if not any(rule.search(clause) for rule in rules)]
    return "".join(clauses).strip(" ,;")
