"use strict";
/* Progress of a running tournament, and filters in the address. Nothing here writes HTML. */
(() => {
  const QUICK = 1000, SLOW = 10000;
  const bar = document.getElementById("progress");

  /* Another page of this viewer, as a document: parsed without running anything. */
  function page(address) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("GET", address);
      request.responseType = "document";
      request.onload = () => request.status === 200 && request.response ? done(request.response) : failed(request.status);
      request.onerror = failed;
      request.send();
    });
  }

  async function look() {
    let wait = SLOW;
    try {
      if (document.visibilityState === "visible") {
        const answer = await fetch(bar.dataset.address);
        if (answer.ok) {
          const state = await answer.json();
          tell(state);
          wait = state.state === "running" ? QUICK : SLOW;
        }
      } else wait = QUICK;
    } catch {
      bar.querySelector(".state").textContent = "viewer stopped";
    }
    setTimeout(look, wait);
  }

  function tell(state) {
    const grown = Number(bar.dataset.finished) !== state.finished, changed = bar.dataset.state !== state.state;
    if (!grown && !changed) {
      bar.querySelector(".left").textContent = state.left;
      return;
    }
    const many = (count) => count.toLocaleString("en-US");
    Object.assign(bar.querySelector("progress"), { max: state.total, value: state.finished });
    bar.querySelector(".count").textContent = `${many(state.finished)} of ${many(state.total)}`;
    bar.querySelector(".left").textContent = state.left;
    const word = bar.querySelector(".state");
    if (word.textContent !== state.state) {
      word.textContent = state.state;
      word.className = "state " + state.state;
    }
    bar.dataset.finished = state.finished;
    bar.dataset.state = state.state;
    document.dispatchEvent(new CustomEvent("grown", { detail: state }));
  }

  /* The values of a form, without its empty fields. */
  function query(form) {
    const wanted = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    return wanted.size ? "?" + wanted : "";
  }

  const typing = (event) => /INPUT|SELECT|TEXTAREA/.test(event.target.tagName) && !/radio|checkbox/.test(event.target.type);

  window.poise = { page, query, typing };
  if (bar) setTimeout(look, QUICK);
})();
