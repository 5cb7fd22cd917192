"use strict";
/* The list: only visible rows exist; data are fetched as they are scrolled to. Text is set as text. */
(() => {
  const ROW = 36, PIECE = 200, MARGIN = 12, REST = 1500;
  const ENDINGS = { deal: "deal", walked: "walked away", timeout: "no deal in time", failed: "failed" };
  const [POSITION, CREDITOR, DEBTOR, SCENARIO, REPEAT, ENDING, VALUE, ROUNDS, GOT_C, GOT_D, TROUBLE] = Array(11).keys();
  const $ = (id) => document.getElementById(id);
  const table = $("table"), pane = $("window"), space = $("space"), form = $("filters");
  const base = table.dataset.address;
  let sort = new URLSearchParams(location.search).get("sort") || "";
  let names = null, total = 0, pieces = new Map(), current = 0, epoch = 0, drawn = new Map(), asked = false;

  async function piece(number) {
    if (pieces.has(number)) return;
    pieces.set(number, null);
    const mine = epoch;
    const wanted = new URLSearchParams(poise.query(form));
    if (sort) wanted.set("sort", sort);
    wanted.set("offset", number * PIECE);
    wanted.set("limit", PIECE);
    if (!names) wanted.set("names", 1);
    try {
      const answer = await fetch(`${base}/matches.json?${wanted}`);
      if (!answer.ok) throw new Error(answer.status);
      const data = await answer.json();
      if (mine !== epoch) return;
      if (data.creditors) names = data;
      pieces.set(number, data.rows);
      if (data.total !== total) { total = data.total; space.style.height = total * ROW + "px"; }
      $("found").textContent = `${total.toLocaleString("en-US")} of ${data.all.toLocaleString("en-US")} matches`;
      const focused = document.activeElement && document.activeElement.dataset.place;
      drawn.forEach((row, at) => { if (Math.floor(at / PIECE) === number) { row.remove(); drawn.delete(at); } });
      draw();
      if (focused !== undefined && drawn.has(Number(focused))) drawn.get(Number(focused)).focus({ preventScroll: true });
    } catch { pieces.delete(number); }
  }

  const at = (place) => { const rows = pieces.get(Math.floor(place / PIECE)); return rows && rows[place % PIECE]; };

  function cell(text, kind) {
    const made = document.createElement("span");
    made.setAttribute("role", "cell");
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function gain(value, seat) {
    const made = cell("", "gain");
    const meter = document.createElement("i");
    meter.className = "gauge " + seat;
    meter.style.width = Math.round(value * 56) + "px";
    made.append(value.toFixed(2), meter);
    return made;
  }

  function row(place) {
    const match = at(place), made = document.createElement("a");
    made.className = "row";
    made.setAttribute("role", "row");
    made.setAttribute("aria-rowindex", place + 2);
    made.dataset.place = place;
    made.tabIndex = place === current ? 0 : -1;
    made.style.top = place * ROW + "px";
    if (!match || !names) { made.classList.add("waiting"); return made; }
    const [scenario, , unit] = names.scenarios[match[SCENARIO]];
    made.href = `${base}/match/${match[POSITION]}${poise.query(form)}`;
    made.append(
      cell(match[POSITION], "number"), cell(names.creditors[match[CREDITOR]], "creditor"), cell(names.debtors[match[DEBTOR]], "debtor"),
      cell(scenario + (match[REPEAT] ? ` · ${match[REPEAT] + 1}` : "")),
      cell(ENDINGS[match[ENDING]] || match[ENDING], match[ENDING]), cell(match[VALUE] === null ? "–" : `${match[VALUE]} ${unit}`),
      gain(match[GOT_C], "creditor"), gain(match[GOT_D], "debtor"), cell(match[ROUNDS] + (match[TROUBLE] ? ` · ${match[TROUBLE]} ⚠` : ""), "number"));
    if (match[TROUBLE]) made.lastChild.title = `${match[TROUBLE]} re-asked, repaired or forfeited`;
    return made;
  }

  function draw() {
    asked = false;
    const first = Math.max(0, Math.floor(pane.scrollTop / ROW) - MARGIN);
    const last = Math.min(total, Math.ceil((pane.scrollTop + pane.clientHeight) / ROW) + MARGIN);
    for (const [place, made] of drawn) if (place < first || place >= last) {
      if (made === document.activeElement) pane.focus({ preventScroll: true });
      made.remove();
      drawn.delete(place);
    }
    const fresh = document.createDocumentFragment();
    for (let place = first; place < last; place++) if (!drawn.has(place)) {
      const made = row(place);
      drawn.set(place, made);
      fresh.append(made);
    }
    space.append(fresh);
    for (let number = Math.floor(first / PIECE); number * PIECE < last; number++) piece(number);
    space.classList.toggle("empty", total === 0 && pieces.get(0) != null);
    table.setAttribute("aria-rowcount", total + 1);
  }

  const soon = () => { if (!asked) { asked = true; requestAnimationFrame(draw); } };

  function choose(place) {
    if (!total) return;
    const before = drawn.get(current);
    if (before) before.tabIndex = -1;
    current = Math.min(total - 1, Math.max(0, place));
    const top = current * ROW;
    if (top < pane.scrollTop) pane.scrollTop = top;
    else if (top + ROW > pane.scrollTop + pane.clientHeight) pane.scrollTop = top + ROW - pane.clientHeight;
    draw();
    const made = drawn.get(current);
    made.tabIndex = 0;
    made.focus({ preventScroll: true });
  }

  function restart(keep) {
    epoch += 1;
    pieces = new Map();
    if (!keep) { current = 0; pane.scrollTop = 0; drawn.forEach((made) => made.remove()); drawn = new Map(); }
    const first = Math.floor(pane.scrollTop / ROW / PIECE);
    piece(first);
    if (first) piece(0);
  }

  function filter() {
    const wanted = new URLSearchParams(poise.query(form));
    if (sort) wanted.set("sort", sort);
    history.replaceState(null, "", location.pathname + (wanted.size ? "?" + wanted : ""));
    restart(false);
  }

  /* A click on a column's head sorts it ascending, then descending, then in schedule order again. */
  const heads = [...table.querySelectorAll("[data-sort]")];
  function mark() {
    for (const head of heads) {
      const now = sort.replace("-", "") === head.dataset.sort;
      head.parentElement.setAttribute("aria-sort", !now ? "none" : sort[0] === "-" ? "descending" : "ascending");
    }
  }
  heads.forEach((head) => head.addEventListener("click", () => {
    const name = head.dataset.sort;
    sort = sort === name ? "-" + name : sort === "-" + name ? "" : name;
    mark();
    filter();
  }));
  mark();

  let waiting;
  form.addEventListener("input", (event) => { clearTimeout(waiting); waiting = setTimeout(filter, event.target.name === "words" ? 250 : 0); });
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  form.querySelector("button").hidden = true;
  pane.addEventListener("scroll", soon, { passive: true });
  new ResizeObserver(soon).observe(pane);
  document.addEventListener("keydown", (event) => {
    if (poise.typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const sight = Math.max(1, Math.floor(pane.clientHeight / ROW) - 1);
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: sight, PageUp: -sight, Home: -Infinity, End: Infinity }[event.key];
    if (by) {
      event.preventDefault();
      const inside = document.activeElement && document.activeElement.closest("#window");
      choose(inside || by === Infinity || by === -Infinity ? (by === -Infinity ? 0 : by === Infinity ? total - 1 : current + by) : current);
    } else if (event.key === "/") { event.preventDefault(); form.elements.words.focus(); }
  });
  let last = 0, later;
  document.addEventListener("grown", () => {
    clearTimeout(later);
    const wait = Math.max(0, last + REST - Date.now());
    later = setTimeout(() => { last = Date.now(); restart(true); }, wait);
  });
  restart(false);
})();
