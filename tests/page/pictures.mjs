// Gives diagrams to Mermaid's own parser and renderer, reports to a parser of GitHub's Markdown, and
// opens figures, in headless Chromium. Run
// by `cargo test --test pictures`: node pictures.mjs FILE.mmd… FIGURE.svg… REPORT.md…
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.env.MODULES || new URL("node_modules", import.meta.url).pathname;
const require = createRequire(join(resolve(modules), "x.js"));
const { chromium } = require("playwright-core");
const files = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
const noted = [];
context.on("request", (request) => {
  if (!request.url().startsWith("file:") && !/^(data|about):/.test(request.url())) noted.push(`request ${request.url()}`);
});
const page = await context.newPage();
page.on("dialog", (dialog) => { noted.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
page.on("pageerror", (error) => noted.push(`error ${error.message}`));

const diagrams = files.filter((file) => file.endsWith(".mmd"));
if (diagrams.length > 0) {
  await page.setContent("<!doctype html><title>diagrams</title><div id=it></div>");
  await page.addScriptTag({ path: join(resolve(modules), "mermaid/dist/mermaid.min.js") });
  for (const file of diagrams) {
    const text = readFileSync(file, "utf8");
    const { kind, messages, notes, words } = await page.evaluate(async (text) => {
      // As GitHub has it.
      globalThis.mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
      const { diagramType } = await globalThis.mermaid.parse(text);
      const { svg } = await globalThis.mermaid.render("it1", text);
      document.getElementById("it").innerHTML = svg;
      const count = (selector) => document.querySelectorAll(selector).length;
      return {
        kind: diagramType,
        messages: count("#it .messageText"),
        notes: count("#it .note"),
        words: [...document.querySelectorAll("#it text")].map((it) => it.textContent).join("\n"),
      };
    }, text);
    const lines = text.split("\n");
    assert.equal(kind, "sequence", file);
    assert.equal(messages > 0 || lines.length < 5, true, file);
    assert.equal(notes, lines.filter((line) => line.startsWith("    Note over")).length, `${file}: every note is one`);
    // The hostile capture says #35; itself.
    assert.equal(/#[0-9]+;/.test(words.replaceAll("#35;", "")), false, `${file}: codes become characters`);
    assert.equal(await page.title(), "diagrams", `${file}: nothing in it runs`);
    console.log(`${basename(file)}: ${messages} messages, ${notes} notes`);
  }
}
for (const file of files.filter((file) => file.endsWith(".svg"))) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.goto(pathToFileURL(resolve(file)).href);
    const seen = await page.evaluate(() => {
      const [sheet] = document.querySelectorAll(".sheet");
      const edge = sheet.getBoundingClientRect();
      const texts = [...document.querySelectorAll("text")];
      const boxes = [...document.querySelectorAll("rect.box")];
      const inside = (it) => {
        const box = it.getBoundingClientRect();
        return box.left >= edge.left - 1 && box.right <= edge.right + 1 && box.bottom <= edge.bottom + 1;
      };
      return {
        root: document.documentElement.nodeName,
        errors: document.querySelectorAll("parsererror").length,
        scripts: document.querySelectorAll("script, foreignObject, image, a").length,
        outside: texts.concat(boxes).filter((it) => !inside(it)).map((it) => it.textContent),
        boxes: boxes.length,
        sheet: getComputedStyle(sheet).fill,
      };
    });
    assert.equal(seen.root, "svg", file);
    assert.deepEqual([seen.errors, seen.scripts], [0, 0], file);
    assert.deepEqual(seen.outside, [], `${file}: nothing runs off the slide`);
    assert.ok(seen.boxes >= 7, `${file}: ${seen.boxes} boxes`);
    assert.equal(seen.sheet, colorScheme === "dark" ? "rgb(22, 24, 29)" : "rgb(255, 255, 255)", file);
  }
  console.log(`${basename(file)}: fits, light and dark`);
}
// Reports, by the rules of GitHub's Markdown: what was captured is neither markup nor a link.
const reports = files.filter((file) => file.endsWith(".md"));
if (reports.length > 0) {
  const { marked } = await import(pathToFileURL(join(resolve(modules), "marked/lib/marked.esm.js")).href);
  await page.goto("about:blank");
  for (const file of reports) {
    const body = marked.parse(readFileSync(file, "utf8"), { gfm: true });
    await page.setContent(`<!doctype html><title>reports</title><main>${body}</main>`);
    const seen = await page.evaluate(() => {
      const all = Array.from(document.querySelectorAll("main *"));
      const words = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
      const prose = [];
      for (let node = words.nextNode(); node; node = words.nextNode()) {
        if (!node.parentElement.closest("code, pre")) prose.push(node.nodeValue);
      }
      const cells = (row) => row.querySelectorAll("th, td").length;
      return {
        title: document.title,
        names: [...new Set(all.map((it) => it.nodeName.toLowerCase()))],
        attributes: [...new Set(all.flatMap((it) => Array.from(it.attributes, ({ name }) => name)))],
        inside: all.filter((it) => it.nodeName === "DETAILS" && it.firstElementChild?.nodeName !== "SUMMARY").length,
        // Each of these is a link or a mention on GitHub where it stands whole in one piece of text.
        links: prose.filter((text) => /@\w|https?:\/\/|www\.\w|#\d|\w\/\w+#\d/.test(text)),
        ragged: Array.from(document.querySelectorAll("table")).filter((table) =>
          new Set(Array.from(table.rows, cells)).size > 1 || table.rows.length < 2).length,
      };
    });
    const known = ["blockquote", "code", "details", "em", "h2", "h3", "h4", "hr", "li", "p", "pre", "strong", "summary",
      "table", "tbody", "td", "th", "thead", "tr", "ul"];
    assert.equal(seen.title, "reports", file);
    assert.deepEqual(seen.names.filter((name) => !known.includes(name)), [], `${file}: elements`);
    assert.deepEqual(seen.attributes.filter((name) => name !== "class"), [], `${file}: attributes`);
    assert.deepEqual(seen.links, [], `${file}: links and mentions`);
    assert.deepEqual([seen.inside, seen.ragged], [0, 0], `${file}: parts that open, tables`);
  }
  console.log(`${reports.length} reports: valid, and nothing in them is more than text`);
}
await browser.close();
assert.deepEqual(noted, [], "nothing is loaded, nothing runs");
