// Gives diagrams to Mermaid's own parser and renderer, and opens figures, in headless Chromium. Run
// by `cargo test --test pictures`: node pictures.mjs FILE.mmd… FIGURE.svg…
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
  if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) noted.push(`request ${request.url()}`);
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
await browser.close();
assert.deepEqual(noted, [], "nothing is loaded, nothing runs");
