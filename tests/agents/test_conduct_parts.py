"""The parts of the conduct checker: rule files, the language of phrases, folding and the lexicon."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.conduct import Checker, categories, default_checker
from poise.agents.conduct.folding import fold, runs
from poise.agents.conduct.lexicon import STOP, UNKNOWN, Lexicon, Words
from poise.agents.conduct.phrases import SUBJECTS, Element, Phrase, expand, expression, forms, parse
from poise.agents.conduct.reading import Reader
from poise.agents.conduct.rulebook import read_shared, shipped_rules
from poise.common.errors import ConfigError

RULE = """
category = "test"
about = "For a test."
[[rule]]
id = "sample"
citation = "15 U.S.C. 1692d"
explanation = "Says the magic word."
phrases = ["say ..2 abracadabra"]
caught = ["We say it: abracadabra."]
clean = ["We say nothing.", "We do not say abracadabra."]
"""

# 805 to 808 of the Act, with 809 where rights to dispute are denied, and their places in Regulation F.
SECTIONS = re.compile(r"15 U\.S\.C\. 1692[cdefg][^;]* \(FDCPA 80[5-9][^;]*\); 12 CFR 1006\.(6|14|18|22)\([a-h]\)")


def refusal(folder: Path, text: str | bytes) -> str:
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        Checker.from_files([path])
    return str(caught.value)


def test_a_file_of_ones_own_joins_the_shipped_rules(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(RULE)
    (violation,) = Checker.from_files([*shipped_rules(), path]).check("So I say: Abracadabra!")
    assert (violation.rule, violation.excerpt) == ("test.sample", "say: Abracadabra")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "sample"\n', "", r"mine.toml: rule.0.id: Field required"),
        ('id = "sample"', 'id = "Sample 1"', r"mine.toml: rule.0.id: String should match pattern"),
        ("explanation", "explanatoin", r"mine.toml: rule.0"),
        ("15 U.S.C. 1692d", "common sense", r"rule.0.citation: String should match pattern"),
        ('"say ..2 abracadabra"', "", r"rule.0.phrases: List should have at least 1 item"),
        ("say ..2 abracadabra", "say ..2 @magic", r"mine.toml, sample: phrase .* unknown group '@magic'; the groups"),
        ("say ..2 abracadabra", "say ..2", r"begins or ends with a gap"),
        ("say ..2 abracadabra", "say? abracadabra?", r"names no word that must occur"),
        ("say ..2 abracadabra", "Abracadabra", r"'Abracadabra' is no word of a phrase; write lower-case letters"),
        ("say ..2 abracadabra", "say (abra|cadabra)", r"is no word of a phrase"),
        ("say ..2 abracadabra", "say ^ abracadabra", r"can only come first"),
        ("say ..2 abracadabra", "say ..9 a ..9 b ..9 abracadabra", r"can be filled in 1000|can be filled in \d+ ways"),
        ("We say it: abracadabra.", "Hocus pocus.", r"test.sample: its example 'Hocus pocus.' is not caught"),
        ("We say nothing.", "We say abracadabra.", r"test.sample: its clean example .* is caught"),
        ('category = "test"', "category = ", r"mine.toml: is not TOML in UTF-8"),
        ("[[rule]]", '[groups]\nwe = ["us"]\n[[rule]]', r"mine.toml, group we: the group exists already"),
    ],
)
def test_a_wrong_file_is_refused_with_place_and_remedy(tmp_path, old, new, message):
    assert old in RULE
    text = RULE.replace(old, new)
    if "..9" in new:
        text = text.replace("..9", "..8 x ..9", 1)
    assert re.search(message, refusal(tmp_path, text))


def test_an_id_is_used_once(tmp_path):
    rule = RULE.partition("[[rule]]")[2]
    assert "the id 'test.sample' is used twice" in refusal(tmp_path, f"{RULE}\n[[rule]]{rule}")


def test_other_encodings_and_missing_files_are_refused(tmp_path):
    assert "is not TOML in UTF-8" in refusal(tmp_path, RULE.replace("magic", "m\u00e4gic").encode("latin-1"))
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        Checker.from_files([tmp_path / "nowhere.toml"])


def test_every_shipped_rule_cites_the_act_and_the_regulation():
    rules = default_checker().rules
    assert categories() == tuple(path.stem for path in shipped_rules())
    for rule in rules:
        assert SECTIONS.match(rule.citation), rule
        assert rule.id.startswith(rule.category + ".")
        assert len(rule.explanation) > 20


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("call", {"call", "calls", "called", "calling"}),
        ("sue", {"sue", "sues", "sued", "suing"}),
        ("notify", {"notify", "notifies", "notified", "notifying"}),
        ("destroy", {"destroy", "destroys", "destroyed", "destroying"}),
        ("punch", {"punch", "punches", "punched", "punching"}),
    ],
)
def test_forms_of_a_word(word, expected):
    assert forms(word) == expected


def test_groups_and_forms_mix():
    assert expand(["@we", "call+"], {"we": frozenset({"we", "i"})}) == {"we", "i"} | forms("call")


# A phrase by the regular expression against a phrase by plain recursion, over a handful of words.
VOCABULARY = ("call", "boss", "jail", *SUBJECTS)
LEXICON = Lexicon(Words(frozenset(VOCABULARY), frozenset(), {}, frozenset()))
ITEMS = st.one_of(
    st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3).map("|".join),
    st.sampled_from(["boss?", "call|jail?", "..1", "..3", "--2"]),
)
PHRASES = st.lists(ITEMS, min_size=1, max_size=5).filter(
    lambda items: (
        items[0][0].isalpha()
        and items[-1][0].isalpha()
        and any("?" not in item and item[0].isalpha() for item in items)
    )
)
TOKENS = st.lists(st.sampled_from([*VOCABULARY, "~", ".", ",", '"']), max_size=12)


def begins(elements: tuple[Element, ...], tokens: list[str]) -> bool:
    """Whether `tokens` begin with what the elements say; one comma or quote may stand after a word of the phrase."""
    if not elements:
        return True
    first, rest = elements[0], elements[1:]
    if first.kind in ("gap", "gap in clause"):
        barred = {"."} | (set(SUBJECTS) if first.kind == "gap in clause" else set())
        for size in range(first.span + 1):
            if len(tokens) < size or barred & set(tokens[:size]):
                break
            if begins(rest, tokens[size:]):
                return True
        return False
    if first.optional and begins(rest, tokens):
        return True
    if not tokens or tokens[0] not in first.words:
        return False
    after = tokens[1:]
    return begins(rest, after) or (bool(after) and after[0] in ',"' and begins(rest, after[1:]))


@given(PHRASES, TOKENS)
def test_a_phrase_finds_what_plain_recursion_finds(items, tokens):
    phrase: Phrase = parse(" ".join(items), {})
    codes = "".join(LEXICON.code(token) if token.isalpha() else token for token in tokens)
    pattern = re.compile(expression(phrase, LEXICON.code, LEXICON.numbers))
    expected = any(begins(phrase.elements, tokens[start:]) for start in range(len(tokens)))
    assert bool(pattern.search(codes)) == expected


def test_no_shipped_phrase_repeats_without_bound():
    ruled = [phrase for rule in default_checker().rules for phrase in rule.phrases + rule.unless]
    for phrase in (*ruled, *read_shared().phrases()):
        written = expression(phrase, lambda word: "x", "0")
        assert not re.search(r"[*+]|,\}", written), phrase.text


@given(st.text())
def test_folding_keeps_the_places(text):
    folded, origin = fold(text)
    assert len(folded) == len(origin)
    assert list(origin) == sorted(origin)
    assert all(0 <= place < len(text) for place in origin)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_text_only_loses_its_capitals(text):
    assert fold(text)[0] == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "\uff4a\uff41\uff49\uff4c",
        "\u0458\u0430\u0456\u217c",
        "\U0001d423\U0001d41a\U0001d422\U0001d425",
        "j\u200ba\u0301i\u00adl",
        "\u24d9\u24d0\u24d8\u24db",
        "\U0001f1ef\U0001f1e6\U0001f1ee\U0001f1f1",
    ],
)
def test_what_looks_like_jail_folds_to_jail(text):
    assert fold(text)[0] == "jail"
    assert unicodedata.normalize("NFC", text) != "jail"


@given(st.text(alphabet="abcil", min_size=1))
def test_runs_take_a_word_apart_and_put_it_together(word):
    key, lengths = runs(word)
    assert "".join(char * length for char, length in zip(key, lengths, strict=True)) == word
    assert all(first != second for first, second in pairwise(key))


ARREST = Lexicon(
    Words(
        frozenset({"jail", "arrest", "hell", "ass", "sold", "harm", "attorney"}),
        frozenset({"the"}),
        {},
        frozenset({"harmm"}),
    )
)


@pytest.mark.parametrize("hidden", ["jaaail", "j4il", "ja1l", "jai1", "jaii", "J@IL".lower(), "jjaaiill"])
def test_disguises_of_jail(hidden):
    assert ARREST.disguised(hidden) == "jail"


@pytest.mark.parametrize("word", ["jail", "heel", "as", "solid", "harmm", "j", "", "jal", "arest", "x" * 500])
def test_no_disguise(word):
    assert ARREST.disguised(word) is None


@given(st.sampled_from(["jail", "arrest", "harm"]), st.lists(st.integers(1, 4), min_size=6, max_size=6))
def test_a_stretched_word_is_found(word, times):
    stretched = "".join(char * count for char, count in zip(word, times, strict=False))
    assert stretched == word or ARREST.disguised(stretched) == word or stretched == "harmm"


@pytest.mark.parametrize(
    "text", ["a r r e s t", "a.r.r.e.s.t", "ar-rest", "arr est", "ar*r*est", "a  r  r  e  s  t", "att or ney"]
)
def test_split_words_are_put_together(text):
    reading = Reader(ARREST).read(text)
    word = "attorney" if text.startswith("att") else "arrest"
    assert reading.codes == ARREST.code(word)
    assert reading.places[0] == (0, len(text))


@pytest.mark.parametrize("text", ["a b c", "e.g. 30 days", "follow-up", "u.s.a.", "the 3 of us", "p.s."])
def test_ordinary_text_with_signs_names_no_rule_word(text):
    assert set(Reader(ARREST).read(text).codes) <= {UNKNOWN, STOP, ",", "0", "?", ARREST.code("the")}
