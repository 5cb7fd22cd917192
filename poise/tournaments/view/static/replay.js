"use strict";
/* Stepping through a match, or through two side by side: j and k by message, left and right by node. Text is set as text. */
(() => {
  const TICK = 900;
  const $ = (id) => document.getElementById(id);
  const items = [...document.querySelectorAll(".message")];
  if (!items.length) return;
  const two = document.body.classList.contains("beside");
  const last = Math.max(...items.map((item) => Number(item.dataset.message)));
  const turns = [...document.querySelectorAll(".turn")];
  /* A person's turn has other nodes than an agent's, and as many. */
  const steps = turns.map((turn) => [...turn.querySelectorAll(".step")].map((step) => step.dataset.step));
  const nodes = { get length() { return steps.length ? steps[0].length : 1; }, here: () => steps[at] || ["speak"] };
  let at = 0, node = nodes.length - 1, timer = null;

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

  /* Scroll the negotiation, not the page, where they have a pane of their own. */
  function reveal(item) {
    const pane = item.closest(".negotiation");
    if (pane && pane.scrollHeight > pane.clientHeight + 2) {
      const box = item.getBoundingClientRect(), frame = pane.getBoundingClientRect();
      if (box.top < frame.top + 8 || box.bottom > frame.bottom - 8) pane.scrollTop += box.top - frame.top - Math.max(12, (frame.height - box.height) / 2);
    } else item.scrollIntoView({ block: "nearest" });
  }

  function light() {
    const seat = items[at].dataset.seat, own_nodes = nodes.here(), name = own_nodes[node];
    turns[at].querySelectorAll(".step").forEach((step) => step.classList.toggle("here", step.dataset.step === name));
    const step = turns[at].querySelector(".step.here"), pane = step.closest(".turns");
    if (pane.scrollHeight > pane.clientHeight + 2) pane.scrollTop += step.getBoundingClientRect().top - pane.getBoundingClientRect().top - 8;
    document.querySelectorAll("[data-node]").forEach((one) => {
      const [group, own] = one.dataset.node.split(":");
      one.classList.toggle("lit", group === seat && own === name);
      one.classList.toggle("past", group === seat && own_nodes.indexOf(own) > -1 && own_nodes.indexOf(own) < node);
    });
    document.querySelectorAll("[data-group]").forEach((one) => one.classList.toggle("lit", one.dataset.group === seat));
    $("where").textContent = `message ${at + 1} of ${last + 1} · ${seat}: ${name}`;
  }

  function go(message, step, replace = true) {
    at = Math.min(last, Math.max(0, message));
    node = Math.min(nodes.length - 1, Math.max(0, step));
    show(true);
    if (replace && !two) history.replaceState(null, "", `${location.pathname}${location.search}#m${at}`);
  }

  function on(by) {
    const next = at * nodes.length + node + by;
    if (next < 0 || next > last * nodes.length + nodes.length - 1) return play(false);
    go(Math.floor(next / nodes.length), next % nodes.length);
  }

  function play(wanted) {
    clearInterval(timer);
    timer = wanted ? setInterval(() => on(1), TICK) : null;
    $("play").textContent = wanted ? "❚❚" : "▶";
    $("play").setAttribute("aria-pressed", String(wanted));
  }

  /* The prompt is fetched when it is looked at. */
  let asked = -1;
  async function ask() {
    const box = $("prompt");
    if (!box.open || asked === at) return;
    const mine = asked = at;
    let told = { note: "The viewer does not answer.", tries: [] };
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

  /* One try: what the model was told, and beside it what it said. */
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
    return found ? Number(found[1]) : null;
  }

  document.addEventListener("keydown", (event) => {
    if (poise.typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const end = nodes.length - 1;
    const act = {
      j: () => go(at + 1, end), ArrowDown: () => go(at + 1, end), k: () => go(at - 1, end), ArrowUp: () => go(at - 1, end),
      Home: () => go(0, end), End: () => go(last, end),
      ...(two ? {} : {
        ArrowRight: () => on(1), ArrowLeft: () => on(-1), p: () => play(!timer),
        "[": () => $("before") && $("before").click(), "]": () => $("after") && $("after").click(),
      }),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  items.forEach((item) => item.addEventListener("click", () => {
    if (!String(getSelection())) go(Number(item.dataset.message), nodes.length - 1);
  }));
  document.querySelectorAll("a[data-message]").forEach((point) => point.addEventListener("click", (event) => {
    event.preventDefault();
    go(Number(point.dataset.message), nodes.length - 1);
  }));
  addEventListener("hashchange", () => { const to = linked(); if (to !== null && to !== at) go(to, nodes.length - 1, false); });

  if (!two) {
    $("on").addEventListener("click", () => on(1));
    $("back").addEventListener("click", () => on(-1));
    $("play").addEventListener("click", () => play(!timer));
    $("prompt").addEventListener("toggle", () => { asked = -1; ask(); });
    turns.forEach((turn) => turn.addEventListener("click", (event) => {
      const step = event.target.closest(".step");
      if (step) go(at, nodes.here().indexOf(step.dataset.step));
    }));
    poise.page($("graphs").dataset.address).then((page) => {
      $("graphs").replaceChildren(document.adoptNode(page.querySelector("svg")));
      $("graphs").addEventListener("click", (event) => {
        const one = event.target.closest("[data-node]"), [group, own] = one ? one.dataset.node.split(":") : [];
        if (nodes.here().includes(own) && group === items[at].dataset.seat) go(at, nodes.here().indexOf(own));
      });
      light();
    }).catch(() => { $("graphs").textContent = "The graph cannot be drawn here."; });
  }
  const start = linked();
  if (start === null) show(false); else go(start, nodes.length - 1, false);
})();
