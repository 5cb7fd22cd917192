"use strict";
/* Stepping through a match, or through two side by side: j and k by message, left and right by node. Text is set as text. */
(() => {
  const TICK = 900, WHOLE = Infinity; /* after a step by message, its last node is current */
  const $ = (id) => document.getElementById(id);
  const items = [...document.querySelectorAll(".message")];
  if (!items.length) return;
  const two = document.body.classList.contains("beside");
  const last = Math.max(...items.map((item) => Number(item.dataset.message)));
  const turns = [...document.querySelectorAll(".turn")];
  /* Each turn's nodes in the order in which they ran; a node may run twice. */
  const steps = turns.map((turn) => [...turn.querySelectorAll(".step[data-step]")]);
  const end = (message) => Math.max(0, (steps[message] || []).length - 1);
  const named = (place) => { const one = steps[at] && steps[at][place]; return one ? one.dataset.step : ""; };
  const split = (whole) => { const place = whole.indexOf(":"); return [whole.slice(0, place), whole.slice(place + 1)]; };
  let at = 0, node = end(0), timer = null;

  function show(scroll) {
    for (const item of items) {
      const here = Number(item.dataset.message) === at;
      item.classList.toggle("here", here);
      if (here) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
      if (here && scroll) reveal(item);
    }
    for (const turn of turns) turn.hidden = Number(turn.dataset.turn) !== at;
    document.querySelectorAll(".cursor").forEach((line) => {
      const { left, step } = line.ownerSVGElement.dataset;
      const x = Number(left) + at * Number(step);
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    });
    if (!two) { light(); ask(); }
  }

  /* Scroll the negotiation, not the page, where it has its own pane. */
  function reveal(item) {
    const pane = item.closest(".negotiation");
    if (pane && pane.scrollHeight > pane.clientHeight + 2) {
      const box = item.getBoundingClientRect(), frame = pane.getBoundingClientRect();
      if (box.top < frame.top + 8 || box.bottom > frame.bottom - 8) pane.scrollTop += box.top - frame.top - Math.max(12, (frame.height - box.height) / 2);
    } else item.scrollIntoView({ block: "nearest" });
  }

  function light() {
    const seat = items[at].dataset.seat, name = named(node), step = steps[at][node], pane = step.closest(".turns");
    const before = new Set(steps[at].slice(0, node).map((one) => one.dataset.step));
    steps[at].forEach((one) => one.classList.toggle("here", one === step));
    if (pane.scrollHeight > pane.clientHeight + 2) pane.scrollTop += step.getBoundingClientRect().top - pane.getBoundingClientRect().top - 8;
    document.querySelectorAll("[data-node]").forEach((one) => {
      const [group, own] = split(one.dataset.node);
      one.classList.toggle("lit", group === seat && own === name);
      one.classList.toggle("past", group === seat && own !== name && before.has(own));
    });
    document.querySelectorAll("[data-group]").forEach((one) => one.classList.toggle("lit", one.dataset.group === seat));
    const drawn = document.querySelector(".node.lit"), graph = $("graphs");
    if (drawn && graph.scrollHeight > graph.clientHeight + 2) graph.scrollTop += drawn.getBoundingClientRect().top - graph.getBoundingClientRect().top - graph.clientHeight / 2;
    $("where").textContent = `message ${at + 1} of ${last + 1} · ${seat}: ${name}`;
  }

  function go(message, step, replace = true) {
    at = Math.min(last, Math.max(0, message));
    node = Math.min(end(at), Math.max(0, step));
    show(true);
    if (replace && !two) history.replaceState(null, "", `${location.pathname}${location.search}#m${at + 1}`);
  }

  function on(by) {
    const next = node + by;
    if (next >= 0 && next <= end(at)) return go(at, next);
    if (at + by < 0 || at + by > last) return play(false);
    go(at + by, by > 0 ? 0 : end(at + by));
  }

  function play(wanted) {
    clearInterval(timer);
    timer = wanted ? setInterval(() => on(1), TICK) : null;
    $("play").textContent = wanted ? "❚❚" : "▶";
    $("play").setAttribute("aria-pressed", String(wanted));
  }

  /* The prompt is fetched when it is opened. */
  let asked = -1;
  async function ask() {
    const box = $("prompt");
    if (!box.open || asked === at) return;
    const mine = asked = at;
    let told = { note: "The viewer does not respond.", tries: [] };
    try {
      const answer = await fetch(box.dataset.address + at);
      if (answer.ok) told = await answer.json(); else told.note = "This prompt cannot be rendered again: " + answer.status;
    } catch { asked = -1; }
    if (mine !== at) return;
    box.querySelector(".note").textContent = told.note;
    box.querySelector(".told").replaceChildren(...told.tries.map((one, place) => attempt(one, place, told.tries.length)));
  }

  function words(name, text, kind) {
    const turn = document.createElement("div"), role = document.createElement("b"), said = document.createElement("pre");
    turn.className = "told-turn " + kind;
    role.textContent = name;
    said.textContent = text;
    said.dir = "auto";
    turn.append(role, said);
    return turn;
  }

  /* One try: the prompt, and the reply beside it. */
  function attempt(one, place, many) {
    const box = document.createElement("section"), head = document.createElement("h4"), sides = document.createElement("div"), left = document.createElement("div"), right = document.createElement("div");
    box.className = "try";
    sides.className = "sides";
    head.textContent = [many > 1 ? `Try ${place + 1}` : "", one.cost].filter(Boolean).join(" · ");
    left.append(...one.turns.map(([role, text]) => words(role, text, role)));
    if (one.reply !== null) right.append(words("the model said", one.reply || "(nothing)", "reply"));
    if (one.problem) right.append(words("rejected", one.problem, "problem"));
    else if (one.reply !== null) right.append(words("taken", "These words were used.", "taken"));
    sides.append(left, right);
    box.append(head, sides);
    return box;
  }

  function linked() {
    const found = /^#(?:[ab]-)?m(\d+)$/.exec(location.hash);
    return found ? Number(found[1]) - 1 : null;
  }

  document.addEventListener("keydown", (event) => {
    if (poise.typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      j: () => go(at + 1, WHOLE), ArrowDown: () => go(at + 1, WHOLE), k: () => go(at - 1, WHOLE), ArrowUp: () => go(at - 1, WHOLE),
      Home: () => go(0, WHOLE), End: () => go(last, WHOLE),
      ...(two ? {} : {
        ArrowRight: () => on(1), ArrowLeft: () => on(-1), p: () => play(!timer),
        "[": () => $("before") && $("before").click(), "]": () => $("after") && $("after").click(),
      }),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  items.forEach((item) => item.addEventListener("click", () => {
    if (!String(getSelection())) go(Number(item.dataset.message), WHOLE);
  }));
  document.querySelectorAll("a[data-message]").forEach((point) => point.addEventListener("click", (event) => {
    event.preventDefault();
    go(Number(point.dataset.message), WHOLE);
  }));
  addEventListener("hashchange", () => { const to = linked(); if (to !== null && to !== at) go(to, WHOLE, false); });

  if (!two) {
    $("on").addEventListener("click", () => on(1));
    $("back").addEventListener("click", () => on(-1));
    $("play").addEventListener("click", () => play(!timer));
    $("prompt").addEventListener("toggle", () => { asked = -1; ask(); });
    turns.forEach((turn) => turn.addEventListener("click", (event) => {
      const step = event.target.closest(".step[data-step]");
      if (step) go(at, steps[at].indexOf(step));
    }));
    poise.page($("graphs").dataset.address).then((page) => {
      $("graphs").replaceChildren(document.adoptNode(page.querySelector("svg")));
      $("graphs").addEventListener("click", (event) => {
        const one = event.target.closest("[data-node]"), [group, own] = one ? split(one.dataset.node) : [];
        const place = steps[at].findIndex((step) => step.dataset.step === own);
        if (place >= 0 && group === items[at].dataset.seat) go(at, place);
      });
      light();
    }).catch(() => { $("graphs").textContent = "The graph cannot be drawn here."; });
  }
  const start = linked();
  if (start === null) show(false); else go(start, WHOLE, false);
})();
