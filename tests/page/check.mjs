// Opens pages of `ws101 report` in headless Chromium and uses them as people do: with a mouse, with
// the keyboard only, in the dark, on a phone, on paper. Run by `cargo test --test page`:
// node check.mjs CHAT.html ACCEPT.html HOSTILE.html
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const modules = process.env.MODULES || new URL("node_modules", import.meta.url).pathname;
const require = createRequire(join(resolve(modules), "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [chat, accept, hostile] = process.argv.slice(2).map((path) => pathToFileURL(resolve(path)).href);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

/** A page in which every request, message and error is noted. */
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const noted = [];
  context.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) noted.push(`request ${request.url()}`);
  });
  page.on("pageerror", (error) => noted.push(`error ${error.message}`));
  page.on("console", (message) => noted.push(`console ${message.text()}`));
  page.on("dialog", (dialog) => { noted.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url);
  return { page, noted, close: () => context.close() };
}

/** What axe finds that is serious. The page's own policy stays in force: axe is no part of the page. */
async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

const lit = (page) => page.locator(".lit").evaluateAll((all) => all.map((it) => it.tagName.toLowerCase()));
const checks = {
  async "fields light their bytes, bytes their fields"() {
    const { page, noted, close } = await open(chat);
    const event = page.locator("li.client[data-kind=frame]").first();
    await event.locator("summary").first().click();
    await event.locator(".fields tbody tr", { hasText: "Masking-key" }).hover();
    const bytes = await event.locator(".dump i.lit").first().textContent();
    const value = await event.locator(".fields tbody tr.lit code").textContent();
    assert.equal(bytes, value, "the key's row lights the key's bytes");
    await event.locator(".dump .hex i").first().hover();
    const rows = await event.locator(".fields tr.lit th").allTextContents();
    assert.deepEqual(rows, ["FIN", "RSV1", "RSV2", "RSV3", "opcode"], "the first byte holds five fields");
    await event.locator(".fields th button").first().click();
    await page.mouse.move(0, 0);
    assert.ok((await lit(page)).includes("tr"), "a click keeps a field lit");
    assert.deepEqual(noted, []);
    await close();
  },
  async "the keyboard is enough"() {
    const { page, noted, close } = await open(chat);
    const focused = (what) => page.evaluate((what) => document.activeElement.matches(what), what);
    await page.keyboard.press("Tab");
    assert.ok(await focused(".skip"), "first comes the way to the conversations");
    for (let tab = 0; tab < 40 && !(await focused(".opens > summary")); tab += 1) await page.keyboard.press("Tab");
    assert.ok(await focused(".opens > summary"), "events can be reached");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.ok(await page.locator("#c1-e2 > details").evaluate((it) => it.open), "Enter opens an event");
    for (let tab = 0; tab < 40 && !(await focused(".fields button")); tab += 1) await page.keyboard.press("Tab");
    assert.ok((await lit(page)).includes("i"), "a field with the focus lights its bytes");
    const buttons = page.locator("#c1-e2 .figure button").first();
    await buttons.focus();
    assert.ok((await lit(page)).includes("tr"), "bits with the focus light their row");
    assert.deepEqual(noted, []);
    await close();
  },
  async "the Accept and the unmasking play step by step"() {
    const { page, noted, close } = await open(accept);
    await page.locator("#c1-e1 > details > summary").click();
    const steps = page.locator("[data-steps=accept]");
    const shown = () => steps.locator("[data-step]:not(.later)").count();
    assert.equal(await shown(), 5, "without a wish all steps are there");
    await steps.locator("[data-do=next]").click();
    assert.equal(await shown(), 1);
    await steps.locator("[data-do=next]").click();
    assert.equal(await shown(), 2);
    await steps.locator("[data-do=play]").click();
    await page.waitForFunction(() => !document.querySelector("[data-steps=accept] .later"), null, { timeout: 15000 });
    assert.match(await steps.textContent(), /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/, "RFC 6455 §1.3");
    assert.deepEqual(noted, []);
    await close();
    const other = await open(chat);
    await other.page.locator("#c1-e2 > details > summary").click();
    const unmask = other.page.locator("#c1-e2 [data-steps=unmask]");
    await unmask.locator("[data-do=next]").click();
    const said = await unmask.locator(".say").textContent();
    const [, one, key, sum] = said.match(/i = 0: +([01 ]+) ⊕ ([01 ]+) = ([01 ]+?) {3}/);
    const number = (bits) => parseInt(bits.replaceAll(" ", ""), 2);
    assert.equal(number(one) ^ number(key), number(sum), said);
    assert.deepEqual(other.noted, []);
    await other.close();
  },
  async "what was captured is text"() {
    const { page, noted, close } = await open(hostile);
    await page.locator("#open-all").click();
    assert.match(await page.title(), /ws101$/);
    const strange = await page.evaluate(() => Array.from(document.querySelectorAll("*"))
      .filter((it) => it.matches("img, svg, iframe, object, embed, form, input, textarea, base, video, audio") ||
        Array.from(it.attributes).some(({ name }) => name.startsWith("on") || name === "style" || name === "src"))
      .map((it) => it.outerHTML.slice(0, 120)));
    assert.deepEqual(strange, []);
    assert.equal(await page.locator("script").count(), 1);
    assert.deepEqual(noted, []);
    await close();
  },
  async "axe finds nothing serious"() {
    for (const url of [chat, accept, hostile]) {
      for (const colorScheme of ["light", "dark"]) {
        const { page, close } = await open(url, { colorScheme });
        await page.evaluate(() => {
          for (const it of Array.from(document.querySelectorAll(".opens, .finding, .text")).slice(0, 12)) it.open = true;
        });
        assert.deepEqual(await serious(page), [], `${url} ${colorScheme}`);
        await close();
      }
    }
  },
  async "a phone needs no sideways scrolling"() {
    for (const url of [chat, accept, hostile]) {
      const { page, noted, close } = await open(url, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
      await page.locator("#open-all").click();
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= room, `${url}: ${wide} of ${room} pixels`);
      assert.deepEqual(noted, []);
      await close();
    }
  },
  async "dark is dark, and the button changes it"() {
    const { page, close } = await open(chat, { colorScheme: "dark" });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightness = (color) => color.match(/\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3;
    assert.ok(brightness(await paper()) < 60, await paper());
    await page.locator("#theme").click();
    assert.ok(brightness(await paper()) > 200, await paper());
    await close();
  },
  async "it prints"() {
    const { page, close } = await open(accept, { colorScheme: "dark" });
    await page.locator("#open-all").click();
    const pdf = await page.pdf({ format: "A4" });
    assert.ok(pdf.length > 10_000 && pdf.subarray(0, 5).toString() === "%PDF-");
    await page.emulateMedia({ media: "print" });
    assert.ok(await page.locator("#open-all").isHidden(), "buttons are not for paper");
    await close();
  },
  async "without a script it is complete"() {
    const { page, noted, close } = await open(accept, { javaScriptEnabled: false });
    await page.locator("#c1-e1 > details > summary").click();
    assert.ok(await page.locator("[data-steps=accept] .groups").isVisible());
    assert.ok(await page.locator("[data-steps=accept] .controls").isHidden(), "no button that does nothing");
    assert.deepEqual(noted.filter((it) => !it.startsWith("console")), []);
    await close();
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok     ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.message}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
