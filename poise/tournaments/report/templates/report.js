"use strict";
/* Everything shown comes from the JSON in this page and is set as text, never as HTML. */
(() => {
  const PAGE = 200;
  /* Invisible characters, such as those that change the direction, are written out. */
  const parse = (text) => JSON.parse(text, (key, value) => typeof value === "string" ? visible(value) : value);
  const visible = (text) => text.replace(/(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (mark) => "\u27e8U+" + mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "\u27e9");
  const data = parse(document.getElementById("index").textContent);
  const [POSITION, CREDITOR, DEBTOR, SCENARIO, REPEAT, ENDING, VALUE, ROUNDS, GOT_C, GOT_D] = Array(10).keys();
  const ENDINGS = { deal: "deal", walked: "walked away", timeout: "no deal in time", failed: "failed" };
  const $ = (id) => document.getElementById(id);
  const raw = (match) => $("match-" + match[POSITION]).textContent;
  const folded = new Map();
  let found = [], shown = PAGE, chosen = null;

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  }
  function drawn(tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const percent = (share) => Math.round(share * 100) + " %";
  const scenarioOf = (match) => data.scenarios[match[SCENARIO]];
  /* A seat with its name in the domain. */
  const side = (seat, scenario) => {
    const role = data.domains[scenario.domain][seat];
    return role === seat ? seat : `${seat} (${role})`;
  };

  /* The text that a search covers: names, the scenario and all messages. */
  function text(match) {
    if (!folded.has(match)) {
      const transcript = parse(raw(match));
      const said = transcript.messages.map((message) => [message.text, message.emotion || "", ...(message.violations || [])].join(" ")).join(" ");
      const scenario = scenarioOf(match);
      const names = [data.creditors[match[CREDITOR]], data.debtors[match[DEBTOR]], scenario.id, "#" + match[POSITION]];
      folded.set(match, [...names, ...Object.values(scenario.context), said].join(" ").toLowerCase());
    }
    return folded.get(match);
  }

  function options(select, names, all) {
    select.append(element("option", { value: "" }, all));
    names.forEach(([value, name]) => select.append(element("option", { value }, name)));
  }

  function search() {
    const words = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [[CREDITOR, $("creditor").value], [DEBTOR, $("debtor").value], [ENDING, $("ending").value]];
    found = data.matches.filter((match) =>
      wanted.every(([field, value]) => value === "" || String(match[field]) === value) &&
      (!words.length || words.every((word) => text(match).includes(word))));
    shown = PAGE;
    list();
  }

  function list() {
    const items = found.slice(0, shown).map((match) => {
      const deal = match[ENDING] === "deal";
      const how = deal ? `${match[VALUE]} ${scenarioOf(match).unit}` : ENDINGS[match[ENDING]];
      const name = `${data.creditors[match[CREDITOR]]} – ${data.debtors[match[DEBTOR]]}`;
      const case_ = scenarioOf(match).id + (match[REPEAT] ? ` · repeat ${match[REPEAT]}` : "");
      return element("li", { role: "option", id: "m" + match[POSITION], "aria-selected": match === chosen },
        element("div", { class: "who" }, name),
        element("div", { class: "what" }, element("span", {}, case_), element("span", { class: match[ENDING] }, how)));
    });
    if (!items.length) items.push(element("li", { class: "empty" }, "No match fits these filters."));
    $("list").replaceChildren(...items);
    $("more").hidden = found.length <= shown;
    $("count").textContent = `${found.length} of ${data.matches.length} matches`;
  }

  function choose(match, focus) {
    if (!match) return;
    const before = chosen && $("m" + chosen[POSITION]);
    if (before) before.setAttribute("aria-selected", "false");
    chosen = match;
    const item = $("m" + match[POSITION]);
    if (item) {
      item.setAttribute("aria-selected", "true");
      $("list").setAttribute("aria-activedescendant", item.id);
      if (focus) item.scrollIntoView({ block: "nearest" });
    }
    history.replaceState(null, "", "#match-" + match[POSITION]);
    show(match);
  }

  function show(match) {
    const transcript = parse(raw(match)), scenario = scenarioOf(match);
    const names = { creditor: data.creditors[match[CREDITOR]], debtor: data.debtors[match[DEBTOR]] };
    const outcome = transcript.outcome;
    const result = outcome.ending === "deal"
      ? `Deal at ${outcome.value} ${scenario.unit} after ${match[ROUNDS]} messages: creditor ${match[GOT_C].toFixed(3)}, debtor ${match[GOT_D].toFixed(3)}.`
      : `${ENDINGS[outcome.ending][0].toUpperCase()}${ENDINGS[outcome.ending].slice(1)}${outcome.by ? " (" + outcome.by + ")" : ""} after ${match[ROUNDS]} messages.`;
    const facts = [["scenario", scenario.id], ["domain", `${scenario.domain}: ${data.domains[scenario.domain].question}`],
      ...["creditor", "debtor"].map((seat) => [`target of the ${side(seat, scenario)}`, `${scenario[seat + "_target"]} ${scenario.unit} (private)`]), ...Object.entries(scenario.context), ["seed", transcript.seed]];
    const parts = [
      element("h3", {}, element("span", { class: "creditor-name" }, names.creditor), " against ", element("span", { class: "debtor-name" }, names.debtor)),
      element("p", { class: "outcome" }, result, outcome.reason ? " " + outcome.reason : ""),
      element("details", {}, element("summary", {}, "The scenario"), element("dl", {}, ...facts.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]))),
    ];
    if (transcript.messages.length) parts.push(chart(transcript, scenario), legend(), element("ol", { class: "messages" }, ...transcript.messages.map((message, at) => bubble(message, transcript.messages[at + 1], at, scenario))));
    else parts.push(element("p", { class: "note" }, "Nothing was said."));
    $("negotiation").replaceChildren(...parts);
  }

  function legend() {
    const beliefs = data.states.map((state, at) => element("li", {}, element("i", { class: "s" + at }), state));
    return element("ul", { class: "legend" }, element("li", {}, "Bars under a message: what the other side’s tracker now believes"), ...beliefs);
  }

  function bubble(message, next, at, scenario) {
    const read = next && next.reading;
    const above = element("div", { class: "line" },
      element("span", { class: "seat" }, `${at + 1} · ${side(message.seat, scenario)}`),
      element("span", { class: "move" }, move(message.move, scenario)),
      message.emotion ? element("span", { class: "chip" }, "shows " + message.emotion) : null,
      message.mood !== undefined ? element("span", { class: "chip", title: "-1 is worst, 1 is best" }, "mood " + message.mood.toFixed(2)) : null);
    const parts = [above, element("div", { class: "said" }, message.text || "(nothing)")];
    if (read) {
      const top = read.emotions.indexOf(Math.max(...read.emotions));
      const belief = data.states.map((state, place) => `${state} ${percent(read.belief[place] || 0)}`).join(", ");
      const likeliest = read.belief.indexOf(Math.max(...read.belief));
      parts.push(element("div", { class: "line" },
        element("span", {}, `read as ${read.label} (${data.emotions[top]} ${percent(read.emotions[top])})`),
        meter(read.belief, belief), element("span", {}, `${data.states[likeliest]} ${percent(read.belief[likeliest])}`)));
      if (next.why) parts.push(element("div", { class: "line" }, element("span", {}, next.why)));
    }
    for (const problem of troubles(message, scenario)) parts.push(element("div", { class: "line" }, element("span", { class: "problem" }, problem)));
    if (message.notes) parts.push(notes(message.notes));
    return element("li", { class: "message " + message.seat }, ...parts);
  }

  /* What the other side never saw: a simulated debtor's hidden state, what a persona is up to. */
  function notes(kept) {
    const told = Object.entries(kept).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, note(value))]);
    return element("details", { class: "notes" }, element("summary", {}, "private notes" + (typeof kept.state === "string" ? `: in truth ${kept.state}` : "")), element("dl", {}, ...told));
  }

  function note(value) {
    if (typeof value === "number") return String(Math.round(value * 1000) / 1000);
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  function move({ kind, value, firm }, scenario) {
    if (kind === "offer") return `${firm ? "insists on" : "offers"} ${value} ${scenario.unit}`;
    return { accept: "accepts", walk: "walks away", forfeit: "makes no valid move" }[kind];
  }

  function troubles(message, scenario) {
    const { wording, intended, violations, notes } = message;
    const asked = wording ? wording.problems.map((problem, at) => `reply ${at + 1} rejected: ${problem}`) : [];
    if (wording && wording.repaired) asked.push("the stated number was corrected without the model");
    if (intended && (intended.kind !== message.move.kind || intended.value !== message.move.value)) asked.push("meant: " + move(intended, scenario));
    if (notes && notes.promise === true) asked.push("a promise that it means to break");
    if (message.verdict !== undefined) asked.push(message.verdict ? "the judge saw an agreement" : "the judge saw no agreement yet");
    if (message.unjudged) asked.push(`the judge gave no usable answer: ${message.unjudged}`);
    for (const rule of violations || []) asked.push(`breaks a rule of conduct: ${rule}`);
    return asked;
  }

  function meter(belief, words) {
    const svg = drawn("svg", { class: "meter", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img" });
    svg.append(drawn("title", {}, "belief: " + words));
    let left = 0;
    belief.forEach((share, at) => {
      svg.append(drawn("rect", { class: "s" + at, x: left * 100, y: 0, width: share * 100, height: 10 }));
      left += share;
    });
    return svg;
  }

  /* The height nearest to y at which words lie within the picture and on none of those at taken. */
  function clear(y, taken) {
    const places = [y, ...taken.flatMap((at) => [at - 20, at + 20])];
    const free = places.filter((at) => at >= 10 && at <= 162 && taken.every((other) => Math.abs(at - other) > 19));
    return free.sort((one, two) => Math.abs(one - y) - Math.abs(two - y))[0] ?? y;
  }

  function chart(transcript, scenario) {
    const offers = transcript.messages.map((message, at) => ({ at, seat: message.seat, value: message.move.value })).filter((one) => one.value !== undefined);
    const values = [scenario.creditor_target, scenario.debtor_target, ...offers.map((one) => one.value)];
    const low = Math.min(...values), span = Math.max(...values) - low || 1, last = Math.max(1, transcript.messages.length - 1);
    const x = (at) => 70 + (at / last) * 584, y = (value) => 150 - ((value - low) / span) * 132;
    const svg = drawn("svg", { class: "chart offers", viewBox: "0 0 760 172", role: "img", "aria-label": `Offers in ${scenario.unit}, message by message` });
    for (const seat of ["creditor", "debtor"]) {
      const target = scenario[seat + "_target"], own = offers.filter((one) => one.seat === seat);
      svg.append(drawn("line", { class: "target " + seat, x1: 70, x2: 654, y1: y(target), y2: y(target) }));
      svg.append(drawn("text", { class: seat, x: 662, y: y(target) + 4 }, "target"), drawn("text", { x: 62, y: y(target) + 4, "text-anchor": "end" }, target));
      svg.append(drawn("polyline", { class: seat, points: own.map((one) => `${x(one.at)},${y(one.value)}`).join(" ") }));
      for (const one of own) {
        const dot = drawn("circle", { class: seat, cx: x(one.at), cy: y(one.value), r: 4 });
        dot.append(drawn("title", {}, `message ${one.at + 1}: ${one.value} ${scenario.unit}`));
        svg.append(dot);
      }
    }
    const deal = transcript.outcome.value, targets = ["creditor", "debtor"].map((seat) => y(scenario[seat + "_target"]));
    if (deal !== null) svg.append(drawn("line", { class: "settled", x1: 70, x2: 654, y1: y(deal), y2: y(deal) }), drawn("text", { x: 662, y: clear(y(deal), targets) + 4 }, `deal ${deal}`));
    return svg;
  }

  /* The heat map: three measures; each cell links to its matches. */
  function measure(name) {
    const at = ["creditor", "debtor", "success"].indexOf(name);
    document.querySelectorAll("#heat button").forEach((button) => {
      const values = button.dataset.values.split(" ").map(Number);
      button.parentElement.className = "h" + Math.round(values[at] * 20);
      button.firstElementChild.textContent = name === "success" ? percent(values[2]) : values[at].toFixed(2);
      button.lastElementChild.textContent = name === "success" ? "deals" : percent(values[2]) + " deals";
    });
  }

  function step(by) {
    const next = found[Math.min(found.length - 1, Math.max(0, found.indexOf(chosen) + by))];
    if (found.indexOf(next) >= shown) { shown += PAGE; list(); }
    choose(next, true);
  }

  function listen() {
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    let waiting;
    $("words").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
    for (const id of ["creditor", "debtor", "ending"]) $(id).addEventListener("change", search);
    $("more").addEventListener("click", () => { shown += PAGE; list(); });
    $("list").addEventListener("click", (event) => {
      const item = event.target.closest("li[id]");
      if (item) choose(found.find((match) => "m" + match[POSITION] === item.id));
    });
    $("list").addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[event.key];
      if (by) { event.preventDefault(); step(by); }
      if (event.key === "Enter") $("negotiation").focus();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) { event.preventDefault(); $("words").focus(); }
    });
    $("measure").addEventListener("change", (event) => measure(event.target.value));
    $("heat").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      $("creditor").value = button.dataset.creditor;
      $("debtor").value = button.dataset.debtor;
      search();
      choose(found[0]);
      $("matches").scrollIntoView();
      $("list").focus({ preventScroll: true });
    });
  }

  options($("creditor"), data.creditors.map((name, at) => [at, name]), "all creditors");
  options($("debtor"), data.debtors.map((name, at) => [at, name]), "all debtors");
  options($("ending"), Object.entries(ENDINGS), "all outcomes");
  $("measure").hidden = false;
  listen();
  search();
  const linked = data.matches.find((match) => "#match-" + match[POSITION] === location.hash);
  if (linked) choose(linked, true);
  else if (found.length) { chosen = found[0]; list(); show(found[0]); }
  else $("negotiation").replaceChildren(element("p", { class: "note" }, "There is no transcript here yet."));
})();
