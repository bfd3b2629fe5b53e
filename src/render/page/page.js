// What the page can do beyond being read: fields and bytes light each other, derivations play step
// by step, everything opens, light and dark change places. Without it the page is complete.
"use strict";
(() => {
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // Fields and bytes.
  let lit = [];
  let pinned = null;
  const dark = () => {
    for (const element of lit) element.classList.remove("lit");
    lit = [];
  };
  const light = (element) => {
    const box = element.closest(".linked");
    dark();
    for (const number of element.dataset.f.split(" ")) {
      lit.push(...all(`[data-f~="${CSS.escape(number)}"]`, box));
    }
    // A button lights its row, not itself.
    lit = lit.filter((element) => !element.hasAttribute("aria-pressed"));
    for (const element of lit) element.classList.add("lit");
  };
  const owner = (event) => event.target.closest && event.target.closest(".linked [data-f]");
  const rest = () => (pinned ? light(pinned) : dark());
  document.addEventListener("mouseover", (event) => {
    const element = owner(event);
    if (element) light(element);
    else rest();
  });
  document.addEventListener("focusin", (event) => {
    const element = owner(event);
    if (element) light(element);
    else rest();
  });
  const pin = (button) => {
    if (pinned) pinned.setAttribute("aria-pressed", "false");
    pinned = pinned === button ? null : button;
    if (pinned) pinned.setAttribute("aria-pressed", "true");
    rest();
  };

  // Step by step.
  const bits = (byte) => {
    const text = byte.toString(2).padStart(8, "0");
    return `${text.slice(0, 4)} ${text.slice(4)}`;
  };
  const playing = new Map();
  const stop = (steps) => {
    clearInterval(playing.get(steps));
    playing.delete(steps);
  };
  const show = (steps, count) => {
    const parts = all("[data-step]", steps);
    const say = steps.querySelector(".say");
    parts.forEach((part, index) => part.classList.toggle("later", index >= count));
    all(".now", steps).forEach((cell) => cell.classList.remove("now"));
    steps.dataset.at = String(count);
    const now = count - 1;
    if (steps.dataset.steps === "unmask") {
      const [masked, key, chars] = ["masked", "key", "char"].map((name) => all(`[data-${name}]`, steps));
      chars.forEach((cell, index) => cell.classList.toggle("later", index >= count));
      say.textContent = "";
      if (now < 0 || now >= parts.length) return;
      for (const cell of [masked[now], key[now], parts[now], chars[now]]) cell.classList.add("now");
      const [one, other, sum] = [masked[now], key[now], parts[now]].map((cell) => parseInt(cell.textContent, 16));
      say.textContent = `i = ${now}:  ${bits(one)} ⊕ ${bits(other)} = ${bits(sum)}   ${parts[now].textContent}  “${chars[now].textContent}”`;
    } else {
      say.textContent = now >= 0 && now < parts.length ? `Step ${count} of ${parts.length}` : "";
    }
  };
  const next = (steps) => {
    const total = all("[data-step]", steps).length;
    const at = Number(steps.dataset.at || 0);
    show(steps, at >= total ? 1 : at + 1);
    if (Number(steps.dataset.at) >= total) stop(steps);
  };
  const control = (button) => {
    const steps = button.closest(".steps");
    stop(steps);
    if (button.dataset.do === "next") return next(steps);
    if (button.dataset.do === "all") {
      show(steps, all("[data-step]", steps).length);
      all(".now", steps).forEach((cell) => cell.classList.remove("now"));
      steps.querySelector(".say").textContent = "";
      delete steps.dataset.at;
      return undefined;
    }
    show(steps, 0);
    const pause = steps.dataset.steps === "unmask" ? 900 : 1400;
    playing.set(steps, setInterval(() => next(steps), pause));
    return next(steps);
  };

  // Everything at once, light and dark, and where a link leads.
  const openAll = (button) => {
    const open = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(open));
    button.textContent = open ? "Close all" : "Open all";
    for (const details of all("#conversations details")) details.open = open;
  };
  const theme = () => {
    const root = document.documentElement;
    const is = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.theme = is === "dark" ? "light" : "dark";
  };
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const details = target.matches("details") ? target : target.querySelector(":scope > details");
    if (details) details.open = true;
    target.scrollIntoView();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.do) control(button);
    else if (button.hasAttribute("aria-pressed") && button.dataset.f) pin(button);
    else if (button.id === "open-all") openAll(button);
    else if (button.id === "theme") theme();
  });
  // Up and down go from event to event.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".opens > summary")) return;
    const summaries = all(".opens > summary");
    const to = summaries[summaries.indexOf(event.target) + step];
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
  addEventListener("hashchange", reveal);
  for (const element of all(".tools, .controls")) element.hidden = false;
  reveal();
})();
