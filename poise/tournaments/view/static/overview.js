"use strict";
/* The overview: filters apply at once, and figures update while the tournament runs, without losing the place. */
(() => {
  const REST = 2000;
  const form = document.getElementById("filters");
  let busy = false, stale = false;

  /* Replace the figures by those of `address`; the chosen measure, the focus and open sections stay. */
  async function refresh(address) {
    if (busy) { stale = true; return; }
    busy = true;
    try {
      const fresh = (await poise.page(address)).getElementById("live");
      const measure = document.querySelector("input[name=measure]:checked");
      const focused = document.activeElement && document.activeElement.closest("#live") ? document.activeElement : null;
      const mark = focused && (focused.id ? `[id="${CSS.escape(focused.id)}"]` : focused.getAttribute("href") && `[href="${CSS.escape(focused.getAttribute("href"))}"].${focused.classList[0] || "x"}`);
      const open = [...document.querySelectorAll("#live details[open]")].map((one) => one.id);
      document.getElementById("live").replaceWith(document.adoptNode(fresh));
      for (const id of open) { const same = document.getElementById(id); if (same) same.open = true; }
      if (measure) { const same = document.getElementById(measure.id); if (same) same.checked = true; }
      if (mark) { const same = document.querySelector("#live " + mark); if (same) same.focus({ preventScroll: true }); }
    } catch { /* the next update tries again */ }
    setTimeout(() => { busy = false; if (stale) { stale = false; refresh(location.href); } }, REST);
  }

  function choose(push) {
    const address = location.pathname + poise.query(form);
    if (push) history.pushState(null, "", address);
    busy = false;
    refresh(address);
    const links = document.querySelectorAll(".bar nav a");
    links.forEach((link) => { link.search = poise.query(form); });
  }

  form.addEventListener("change", () => choose(true));
  form.addEventListener("submit", (event) => { event.preventDefault(); choose(true); });
  form.querySelector("button").hidden = true;
  window.addEventListener("popstate", () => location.reload());
  document.addEventListener("grown", () => refresh(location.href));
})();
