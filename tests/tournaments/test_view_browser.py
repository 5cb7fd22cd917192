"""The viewer in headless Chromium, as a person uses it: opening, filtering, replaying by keyboard, watching a run."""

import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import combinations

import pytest
from helpers.paths import ROOT
from helpers.view_fakes import fake_folder, fake_matches, fake_plan, fake_store, real_folder, serving

from poise.tournaments.report.page import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here; Debian: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@contextmanager
def uncomplaining(browser):
    """A page; whatever it complains of fails the test."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    opened, complaints = context.new_page(), []
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: complaints.append(request.url) if "//127.0.0.1" not in request.url else None)
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def page(browser):
    with uncomplaining(browser) as opened:
        yield opened


def until(page, condition):
    """Wait for a condition in the page, asked from outside: the page's policy allows no code from a string."""
    for _ in range(4800):  # two minutes: a moment suffices on an idle machine
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"{condition} did not come true")


FETCHED = "(one) => one.querySelector('.row:not(.waiting), svg')"


def ready(page):
    """Wait until the list and the graphs that the page's script fetches are there."""
    until(page, f"[...document.querySelectorAll('.window, .graphs')].every({FETCHED})")


def leave(page):
    """Before the viewer is stopped, whose page would say so."""
    page.goto("about:blank")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = real_folder(tmp_path_factory.mktemp("browser") / "real", matches_per_pair=20)
    with serving(folder) as address:
        yield f"{address}/run/real"


def test_the_overview_opens_and_a_cell_of_the_payoffs_leads_to_its_matches(page, real):
    page.goto(f"{real}/")
    assert page.locator("table.standings:not(.conduct)").count() == 2
    page.locator("#measure-success").check()
    cell = page.locator(".heat a.of-success").first
    assert cell.is_visible()
    assert not page.locator(".heat a.of-creditor").first.is_visible()
    cell.click()
    page.wait_for_selector(".window .row:not(.waiting)")
    assert page.locator("#found").inner_text() == "20 of 80 matches"
    assert "creditor=vanilla" in page.url
    assert "debtor=angry" in page.url


def test_a_filter_changes_figures_and_address_without_a_reload_and_the_link_can_be_shared(page, real):
    page.goto(f"{real}/")
    page.evaluate("window.same = true")
    page.locator("select[name=debtor]").select_option("angry")
    until(page, "document.querySelectorAll('table.standings.debtor:not(.conduct) tbody tr').length === 1")
    assert page.evaluate("window.same")
    assert page.url.endswith("/?debtor=angry")
    shared = page.locator("table.standings.creditor:not(.conduct) tbody").inner_text()
    page.goto(page.url)
    assert page.locator("table.standings.creditor:not(.conduct) tbody").inner_text() == shared
    assert page.locator(".note").first.inner_text().startswith("Figures over 40 finished matches that fit")


def test_the_baseline_is_chosen_without_a_reload_and_what_is_unfolded_stays(page, real):
    page.goto(f"{real}/")
    page.evaluate("window.same = true")
    page.locator("#pairs-creditor summary").click()
    assert page.locator("#pairs-creditor tbody tr").first.is_visible()
    page.locator("select[name=baseline]").select_option("eq-negotiator")
    until(page, "document.querySelector('#standings-creditor thead').textContent.includes('Against eq-negotiator')")
    assert page.evaluate("window.same")
    assert page.url.endswith("/?baseline=eq-negotiator")
    assert page.locator("#pairs-creditor tbody tr").first.is_visible()
    page.goto(page.url)
    assert page.locator("select[name=baseline]").input_value() == "eq-negotiator"


def test_the_game_is_drawn_and_leaves_when_one_debtor_is_chosen(page, real):
    """What an arrow says stands in its title; pictures are as wide as their cards, and no wider."""
    page.goto(f"{real}/")
    pictures = page.locator("#game svg.chart")
    assert pictures.count() == 9
    for place in range(9):
        wide = pictures.nth(place).evaluate("(one) => [one.clientWidth, one.closest('.card').clientWidth]")
        assert 200 < wide[0] < wide[1]
    ties = page.locator("#game .answers .tie")
    assert ties.count() >= 4
    assert all("best" in ties.nth(place).text_content() for place in range(ties.count()))
    until(page, "getComputedStyle(document.querySelector('#game .share-line')).stroke !== 'none'")
    page.locator("select[name=debtor]").select_option("angry")
    until(page, "document.querySelector('#game') === null")


def test_the_list_is_searched_and_gone_through_by_keyboard(page, real):
    page.goto(f"{real}/matches")
    page.wait_for_selector(".window .row:not(.waiting)")
    page.keyboard.press("/")
    page.keyboard.type("furious")
    until(page, "!document.getElementById('found').textContent.startsWith('80 of')")
    assert "words=furious" in page.url
    page.keyboard.press("Tab")
    page.locator("#window").focus()
    page.keyboard.press("End")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message.here")
    assert "furious" in page.locator("#negotiation").inner_text().lower()
    assert "words=furious" in page.url


def test_a_match_is_stepped_through_by_keyboard_and_its_nodes_are_lit(page, real):
    page.goto(f"{real}/match/25#m4")
    page.wait_for_selector("svg.graph .node.lit")

    def here():
        lit = page.locator("svg.graph .node.lit").get_attribute("data-node")
        return int(page.locator(".message.here").get_attribute("data-message")), lit

    assert here() == (3, "debtor:speak")
    for key, expected in (
        ("j", (4, "creditor:speak")), ("ArrowRight", (5, "debtor:perceive")), ("ArrowRight", (5, "debtor:feel")),
        ("ArrowLeft", (5, "debtor:perceive")), ("ArrowLeft", (4, "creditor:speak")), ("ArrowUp", (3, "debtor:speak")),
        ("k", (2, "creditor:speak")), ("Home", (0, "creditor:speak")), ("k", (0, "creditor:speak")),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert here() == expected
    page.keyboard.press("End")
    last = page.locator(".message").count() - 1
    assert here()[0] == last
    assert page.url.endswith(f"#m{last + 1}")
    assert page.locator(".turn:visible").count() == 1
    cursor = page.locator(".offers .cursor").get_attribute("x1")
    page.keyboard.press("Home")
    assert float(page.locator(".offers .cursor").get_attribute("x1")) < float(cursor)
    page.locator("#prompt summary").click()
    until(page, "document.querySelector('#prompt .note').textContent.includes('No model was asked')")
    page.keyboard.press("]")
    page.wait_for_url(re.compile("/match/26"))


def test_two_matches_on_one_scenario_are_stepped_through_together(page, real):
    page.goto(f"{real}/match/25")
    page.locator("#beside").select_option("real:5")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_selector(".pair .message.here")
    page.keyboard.press("j")
    here = page.locator(".message.here")
    assert [here.nth(side).get_attribute("data-message") for side in range(2)] == ["1", "1"]


def test_a_running_tournament_is_watched_without_a_reload(page, tmp_path):
    """A real run in a process of its own; the page is never loaded again."""
    code = (
        "import sys; from poise.tournaments.config import TournamentConfig; "
        "from poise.tournaments.runner import run_tournament; "
        "run_tournament(TournamentConfig(creditors=('vanilla', 'eq-negotiator'), debtors=('angry', 'simulated'), "
        "matches_per_pair=10_000, workers=1), sys.argv[1])"  # more than it can play meanwhile
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")]) as run:
        try:
            while not (tmp_path / "run" / "tournament.sqlite").exists():
                assert run.poll() is None
                time.sleep(0.02)
            _wait_for_a_match(tmp_path / "run", run)
            with serving(tmp_path / "run") as address:
                page.goto(f"{address}/run/run/")
                page.evaluate("window.same = true")
                before = int(page.locator("#progress").get_attribute("data-finished"))
                until(page, f"Number(document.getElementById('progress').dataset.finished) > {before}")
                until(page, "document.querySelector('.left').textContent.includes('left')")
                assert page.locator(".state").inner_text().endswith("running")
                shown = "document.querySelector('#live .note').textContent"
                first = page.evaluate(shown)
                until(page, f"{shown} !== {first!r}")
                assert page.evaluate("window.same")
                run.terminate()
                run.wait()
                until(page, "document.querySelector('.state').textContent.includes('stopped')")
                leave(page)
        finally:
            run.kill()


def _wait_for_a_match(folder, run):
    from poise.common.errors import StoreError
    from poise.tournaments.storage.store import Store

    while True:
        assert run.poll() is None
        try:
            with Store.read(folder) as store:
                if store.count():
                    return
        except StoreError:
            pass
        time.sleep(0.02)


def test_the_list_grows_while_one_reads_it(page, tmp_path):
    plan = fake_plan(cases=100)
    matches = list(fake_matches(plan))
    with fake_store(tmp_path / "run", plan) as store, serving(tmp_path / "run") as address:
        store.add(matches[:50])
        page.goto(f"{address}/run/run/matches")
        until(page, "document.getElementById('found').textContent === '50 of 50 matches'")
        page.keyboard.press("End")
        until(page, "document.activeElement.dataset.place === '49'")
        store.add(matches[50:])
        until(page, "document.getElementById('found').textContent === '400 of 400 matches'")
        assert page.evaluate("document.activeElement.dataset.place") == "49"
        leave(page)


def test_ten_thousand_matches_are_a_few_dozen_elements(page, tmp_path):
    with serving(fake_folder(tmp_path / "run", cases=1250, creditors=4)) as address:
        page.goto(f"{address}/run/run/matches")
        page.wait_for_selector(".window .row:not(.waiting)")
        assert page.locator("#found").inner_text() == "10,000 of 10,000 matches"
        for key, place in (("End", "9999"), ("Home", "0")):
            page.keyboard.press(key)
            page.wait_for_selector(f".row[data-place='{place}']:not(.waiting)")
            assert page.locator(".window .row").count() < 80
        leave(page)


def test_a_hostile_transcript_stays_text_in_every_page(page, tmp_path):
    with serving(fake_folder(tmp_path / "run", hostile=True)) as address:
        for path in ("/", "/matches", "/match/0#m1", "/match/0"):
            page.goto(f"{address}/run/run{path}")
            ready(page)
            assert "taken" not in page.title().split(" · ")[-1]
            assert page.locator("img").count() == 0
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 1, f"{path} is pushed {wide} pixels wide"
        page.locator("#prompt summary").click()
        page.wait_for_selector("#prompt .try pre")
        assert page.locator("#prompt .try").count() == 2
        assert page.locator("#prompt .reply pre").first.inner_text().startswith("</div></script><script>")
        assert page.locator("#prompt .problem pre").count() == 1
        assert page.title() != "taken"
        leave(page)


def test_pages_name_what_they_hold_for_those_who_cannot_see_them(page, real):
    """Every control has a name, every picture too, there is one heading of the first rank, and focus can be seen."""
    for path in ("/", "/matches", "/match/3"):
        page.goto(real + path)
        ready(page)
        unnamed = page.evaluate(
            "[...document.querySelectorAll('a[href], button, select, input:not([type=hidden]), svg[role=img]')].filter("
            "(one) => one.checkVisibility() && !(one.getAttribute('aria-label') || one.textContent.trim() || "
            "(one.labels && one.labels.length))).map((one) => one.outerHTML)"
        )
        assert unnamed == []
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"


def test_a_person_takes_a_seat_says_two_things_and_replays_the_talks(page, tmp_path, monkeypatch):
    """The first by keyboard alone; the page's policy lets the forms through."""
    monkeypatch.chdir(tmp_path)
    with serving(fake_folder(tmp_path / "run")) as address:
        page.goto(f"{address}/run/run/")
        page.get_by_role("link", name="Take a seat").click()
        assert page.locator("select[name=creditor]").is_visible()
        assert not page.locator("select[name=debtor]").is_visible()
        page.locator("#as-creditor").check()
        assert page.locator("select[name=debtor]").is_visible()
        page.locator("#as-debtor").check()
        page.locator("select[name=creditor]").select_option("eq-negotiator")
        page.get_by_label("Scenario").fill("3")
        page.get_by_label("Seed").fill("5")
        page.get_by_role("button", name="Sit down").click()
        page.wait_for_selector("#words:focus")
        page.keyboard.type("3 months")
        page.keyboard.press("Enter")
        page.wait_for_selector("button[value=yes]:focus")
        assert page.locator(".echo p").first.inner_text() == 'You offer 90 days: "3 months"'
        page.keyboard.press("Enter")
        page.wait_for_selector("#words:focus")
        assert page.locator(".messages .message").count() == 3
        page.get_by_label("Your words").fill("ok deal")
        page.get_by_role("button", name="Check it").click()
        page.get_by_role("button", name="Say it").click()
        page.wait_for_selector(".verdict")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1
        page.locator(".debrief summary").click()
        assert "The other side wanted 9 days" in page.locator(".debrief").inner_text()
        page.get_by_role("link", name="Replay this negotiation").click()
        page.wait_for_selector("svg.graph .node.lit")
        assert "3 months" in page.locator("#negotiation").inner_text()
        leave(page)


@pytest.fixture(scope="module")
def custom(tmp_path_factory):
    """Matches of an agent whose graph is another than the usual one, with a long list of rules that it keeps."""
    folder = tmp_path_factory.mktemp("custom") / "custom"
    agent = str(ROOT / "examples" / "second_thoughts.py")
    real_folder(folder, creditors=(agent, "vanilla"), debtors=("threatening",), matches_per_pair=1)
    with serving(folder) as address:
        yield f"{address}/run/custom/match/0"


LIT = "document.querySelector('.graphs svg .lit') !== null"
SIZES = [(1440, 900), (1920, 1080), (1366, 650), (1024, 768), (390, 844)]
PARTS = (".player", ".graphs", ".turns")


def rectangle(page, selector):
    found = page.locator(selector).first.bounding_box()
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


@pytest.fixture(scope="module")
def replayed(browser, custom):
    """The replay of such a match, in one page for all sizes."""
    with uncomplaining(browser) as opened:
        opened.goto(custom)
        until(opened, LIT)
        yield opened
        leave(opened)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_part_of_the_replay_lies_on_another(replayed, size):
    page = replayed
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.keyboard.press("Home")
    boxes = {part: rectangle(page, part) for part in PARTS}
    desk = rectangle(page, ".desk")
    for part, (left, top, right, bottom) in boxes.items():
        assert right - left > 100, part
        assert bottom - top > 30, part
        assert left >= desk[0] - 1, part
        assert top >= desk[1] - 1, part
        assert right <= desk[2] + 1, part
        assert bottom <= desk[3] + 1, part
    boxes |= {name: rectangle(page, name) for name in (".bar", ".title", ".pictures", ".negotiation", "footer")}
    for one, two in combinations(boxes, 2):
        (left, top, right, bottom), (left2, top2, right2, bottom2) = boxes[one], boxes[two]
        apart = right <= left2 + 1 or right2 <= left + 1 or bottom <= top2 + 1 or bottom2 <= top + 1
        assert apart, f"{one} lies on {two}: {boxes[one]}, {boxes[two]}"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing reaches out to the side"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_message_and_its_graph_are_seen_together(replayed, size):
    """Stepping leaves both within the window and within their panes, on a phone once one has scrolled to them."""
    page = replayed
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for key in ("Home", "j", "j", "j", "ArrowRight", "ArrowRight", "j"):
        page.keyboard.press(key)
    if size[0] < 860:
        page.locator(".stage").evaluate("(stage) => stage.scrollIntoView({ block: 'start', behavior: 'instant' })")
    for part, pane in ((".message.here .said", ".negotiation"), (".graphs .node.lit", ".graphs")):
        left, top, right, bottom = rectangle(page, part)
        frame = rectangle(page, pane)
        assert left >= max(0, frame[0] - 1), part
        assert top >= max(0, frame[1] - 1), part
        assert right <= min(size[0], frame[2] + 1), part
        assert bottom <= min(size[1], frame[3] + 1), part


def test_a_custom_graph_is_drawn_and_its_nodes_are_lit(page, custom):
    page.goto(custom + "#m3")
    until(page, LIT)
    drawn = page.locator("svg.graph .node").evaluate_all("(nodes) => nodes.map((node) => node.dataset.node)")
    assert "creditor:think_again" in drawn
    assert "debtor:think_again" not in drawn
    page.locator('svg.graph [data-node="creditor:think_again"]').click()
    assert page.locator("svg.graph .node.lit").get_attribute("data-node") == "creditor:think_again"
    assert page.locator(".step.here h3").inner_text() == "think_again"
    page.keyboard.press("ArrowRight")
    assert page.locator("svg.graph .node.lit").get_attribute("data-node") == "creditor:decide"
    leave(page)


# What shuts nobody out.


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install -e '.[dev]'"
    ).Axe()


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Three tournaments, of which two can be compared and one is hostile, and a report."""
    folder = tmp_path_factory.mktemp("everything")
    agent = str(ROOT / "examples" / "second_thoughts.py")
    real_folder(folder / "one", creditors=(agent, "vanilla"), debtors=("threatening", "sad"), matches_per_pair=2)
    real_folder(folder / "three", creditors=("vanilla",), debtors=("threatening", "sad"), matches_per_pair=2)
    fake_folder(folder / "two", hostile=True)
    report = write_report(folder / "one")
    with serving(folder) as address:
        yield address, report


UNFOLD = "document.querySelectorAll('.card.every').forEach((one) => { one.open = true; })"
PAGES = (
    "/", "/run/one/", "/run/two/", "/run/one/matches", "/run/one/match/0", "/run/two/match/0",
    "/beside?a=one:0&b=one:2", "/beside?a=two:0&b=two:3", "/compare?a=one&b=three", "/play", "/run/nothing/", "report",
)  # fmt: skip


@pytest.fixture(scope="module", params=PAGES)
def opened(browser, everything, request):
    """A page with everything unfolded."""
    address, report = everything
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.goto(report.as_uri() if request.param == "report" else address + request.param)
    ready(page)
    page.evaluate(UNFOLD)
    yield page
    context.close()


def test_axe_finds_nothing_serious(opened, axe):
    for scheme, asked in (("light", {}), ("dark", {"runOnly": ["color-contrast", "link-in-text-block"]})):
        opened.emulate_media(color_scheme=scheme)
        found = axe.run(opened, options={"resultTypes": ["violations"], **asked}).response["violations"]
        serious = [
            (scheme, one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []


CUT = """() => {
  const told = [], named = (one) => (one.getAttribute("class") || one.tagName);
  for (const picture of [...document.querySelectorAll("svg")].filter((one) => one.checkVisibility())) {
    const frame = picture.getBoundingClientRect();
    const words = [...picture.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
    words.forEach(([text, box], place) => {
      const across = box.left > frame.left - 1 && box.right < frame.right + 1;
      const down = box.top > frame.top - 2 && box.bottom < frame.bottom + 2;
      if (!across || !down) told.push(`${named(picture)} cuts ${text}`);
      for (const [other, two] of words.slice(place + 1)) {
        const wide = Math.min(box.right, two.right) - Math.max(box.left, two.left);
        const high = Math.min(box.bottom, two.bottom) - Math.max(box.top, two.top);
        if (wide > 2 && high > box.height / 3) told.push(`${named(picture)} has ${text} on ${other}`);
      }
    });
  }
  /* Matrices are scrolled within their card, by keyboard too; every other table fits into its own. */
  const scrolled = ".heat, .chain, .listed";
  for (const table of document.querySelectorAll(scrolled))
    if (!table.closest(".scroll[tabindex]")) told.push(`${named(table)} is not in a region that takes the focus`);
  for (const cell of document.querySelectorAll(`.card table:not(${scrolled}) :is(th, td)`)) {
    const own = cell.getBoundingClientRect(), card = cell.closest(".card").getBoundingClientRect();
    const head = cell.closest("thead"), hidden = head && getComputedStyle(head).position === "absolute";
    if (!hidden && own.width && (own.right > card.right + 1 || own.left < card.left - 1))
      told.push(`${named(cell.closest("table"))} cuts ${cell.textContent.trim().slice(0, 40)}`);
  }
  for (const cell of document.querySelectorAll(".stack tbody td"))
    if (getComputedStyle(cell).display === "grid" && cell.clientWidth < cell.parentElement.clientWidth - 1)
      told.push(`${cell.dataset.label} is narrower than its row`);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return wide > 1 ? [...told, `the page is ${wide} pixels too wide`] : told;
}"""
REVEAL = "document.querySelectorAll('details, .turn').forEach((one) => { one.open = true; one.hidden = false; })"


def test_no_word_or_figure_is_cut_off(opened):
    """With everything unfolded, in every window: words lie within their pictures, figures within their cards."""
    opened.evaluate(REVEAL)
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        opened.set_viewport_size({"width": width, "height": height})
        assert opened.evaluate(CUT) == [], f"{width} x {height}"


def test_the_list_is_sorted_by_a_column_and_the_link_can_be_shared(page, real):
    page.goto(f"{real}/matches")
    page.wait_for_selector(".window .row:not(.waiting)")

    def messages():
        cells = page.locator(".window .row .number:last-child").all_inner_texts()
        return [int(text.split()[0]) for text in cells]

    head = page.locator("[data-sort=messages]")
    head.click()
    until(page, "document.querySelector('[aria-sort=ascending]') !== null")
    page.wait_for_selector(".window .row:not(.waiting)")
    assert messages() == sorted(messages())
    head.click()
    until(page, "document.querySelector('[aria-sort=descending]') !== null")
    page.wait_for_selector(".window .row:not(.waiting)")
    longest = sorted(messages(), reverse=True)
    assert messages() == longest
    assert "sort=-messages" in page.url
    page.goto(page.url)
    page.wait_for_selector(".window .row:not(.waiting)")
    assert messages() == longest
    leave(page)
