// Makes the pictures of README.md: node docs/pictures/make.mjs. It needs ws101 (the path of a binary
// in WS101, else target/debug/ws101), tmux, Chromium, and playwright-core of tests/page.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const modules = process.env.MODULES || join(root, "tests/page/node_modules");
const { chromium } = createRequire(join(resolve(modules), "x.js"))("playwright-core");
const ws101 = resolve(process.env.WS101 || join(root, "target/debug/ws101"));
const folder = mkdtempSync(join(tmpdir(), "pictures-"));
const pause = (seconds) => execFileSync("sleep", [String(seconds)]);

/** What `ws101 step` shows in a terminal after these keys, with its colours. */
function screen(sample, columns, rows, keys) {
  const tmux = (...words) => execFileSync("tmux", ["-f", "/dev/null", "-L", `pictures-${process.pid}`, ...words], { encoding: "utf8" });
  const command = `env -u NO_COLOR LC_ALL=C.UTF-8 TERM=xterm-256color COLORTERM= '${ws101}' step --no-config ${sample}`;
  tmux("new-session", "-d", "-s", "s", "-x", String(columns), "-y", String(rows), "-c", root, command);
  try {
    tmux("set", "-g", "status", "off");
    tmux("resize-window", "-t", "s", "-x", String(columns), "-y", String(rows));
    pause(1.5);
    for (const key of keys) {
      tmux("send-keys", "-t", "s", key);
      pause(0.1);
    }
    pause(0.5);
    return tmux("capture-pane", "-e", "-N", "-p", "-t", "s");
  } finally {
    tmux("kill-server");
  }
}

// The sixteen colours, on paper as dark as that of the page.
const COLORS = ["#3b4048", "#ff9c94", "#86dba0", "#f0c75e", "#9db4ff", "#e79bea", "#74d3e8", "#dfe2e8",
  "#8a909c", "#ff9c94", "#86dba0", "#f0c75e", "#9db4ff", "#e79bea", "#74d3e8", "#ffffff"];

/** Text with the escapes of colours, as HTML. */
function html(text) {
  const state = { bold: false, faint: false, reversed: false, underlined: false, ink: null };
  const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const apply = (codes) => {
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at];
      if (code === 0) Object.assign(state, { bold: false, faint: false, reversed: false, underlined: false, ink: null });
      else if (code === 1) state.bold = true;
      else if (code === 2) state.faint = true;
      else if (code === 22) state.bold = state.faint = false;
      else if (code === 4) state.underlined = true;
      else if (code === 24) state.underlined = false;
      else if (code === 7) state.reversed = true;
      else if (code === 27) state.reversed = false;
      else if (code === 39) state.ink = null;
      else if (code >= 30 && code <= 37) state.ink = COLORS[code - 30];
      else if (code >= 90 && code <= 97) state.ink = COLORS[code - 82];
      else if (code === 38 || code === 48) {
        if (code === 38 && codes[at + 1] === 5 && codes[at + 2] < 16) state.ink = COLORS[codes[at + 2]];
        at += codes[at + 1] === 5 ? 2 : 4;
      }
    }
  };
  const style = () => {
    const ink = state.ink || (state.faint ? "#9aa1ad" : "#e8e6e1");
    const [front, back] = state.reversed ? ["#16181d", ink] : [ink, "transparent"];
    return `color:${front};background:${back};font-weight:${state.bold ? 700 : 400};text-decoration:${state.underlined ? "underline" : "none"};${state.faint && state.ink ? "opacity:.75" : ""}`;
  };
  const parts = text.replace(/\n$/, "").split(/\x1b\[([\d;]*)m/);
  return parts.map((part, index) => {
    if (index % 2 === 1) apply(part === "" ? [0] : part.split(";").map(Number));
    else if (part) return `<span style="${style()}">${escape(part)}</span>`;
    return "";
  }).join("");
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

/** A screen of a terminal as a picture. */
async function terminal(name, sample, columns, rows, keys) {
  const page = await browser.newPage();
  const body = html(screen(sample, columns, rows, keys));
  await page.setContent(`<!doctype html><style>
    body { margin: 0; background: #16181d; display: inline-block; }
    pre { margin: 0; padding: 18px 22px; font: 15px/1.2 "DejaVu Sans Mono", monospace; }
  </style><pre>${body}</pre>`);
  await page.locator("pre").screenshot({ path: join(process.env.PICTURES || here, `${name}.png`) });
  await page.close();
}

/** A report, an event of it opened, a field of that lit. */
async function report(name, sample, event, field) {
  const file = join(folder, `${name}.html`);
  execFileSync(ws101, ["report", "--no-config", "-q", sample, "-o", file], { cwd: root });
  const page = await browser.newPage({ viewport: { width: 1280, height: 1040 }, colorScheme: "light" });
  await page.goto(pathToFileURL(file).href);
  await page.locator(`${event} > details > summary`).click();
  await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  await page.locator(`${event} .figure .${field}`).first().hover();
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(process.env.PICTURES || here, `${name}.png`) });
  await page.close();
}

if (process.argv.length > 2) {
  const [name, sample, size, ...keys] = process.argv.slice(2);
  const [columns, rows] = size.split("x").map(Number);
  await terminal(name, sample, columns, rows, keys);
} else {
  await terminal("step", "samples/captures/browser-ws.pcap", 120, 40, ["Down", "Down", "Right", ...Array(8).fill("Down"), "i"]);
  await report("page", "samples/captures/browser-ws.pcap", "#c1-e2", "r-key");
}
await browser.close();
rmSync(folder, { recursive: true });
