// Opens pages of `ws101 report` in headless Chromium and uses them as people do: with a mouse, with
// the keyboard only, in the dark, on a phone, on paper. Run by `cargo test --test page`:
// node check.mjs CHAT.html ACCEPT.html HOSTILE.html LARGE.html SMALL.html
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const modules = process.env.MODULES || new URL("node_modules", import.meta.url).pathname;
const require = createRequire(join(resolve(modules), "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [chat, accept, hostile, large, small] = process.argv.slice(2).map((path) => pathToFileURL(resolve(path)).href);

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
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
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
    await event.locator(".figure .r-key").first().hover();
    const key = await event.locator(".dump .hex i.lit").first().textContent();
    assert.equal(key, bytes, "the key's bits light the key's bytes, too");
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
    // A field is pinned, the unmasking is stepped through, the event is closed: with Enter and Space.
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-pressed")), "true");
    for (let tab = 0; tab < 80 && !(await focused("[data-do=next]")); tab += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    assert.equal(await page.locator("#c1-e2 [data-step]:not(.later)").count(), 1, "Space steps");
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
    // Neither an escape of a terminal nor a mark that turns text around is in any text or attribute.
    const harmful = await page.evaluate(() => {
      const bad = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
      const texts = Array.from(document.querySelectorAll("*")).flatMap((it) => [
        ...Array.from(it.attributes, ({ value }) => value),
        ...Array.from(it.childNodes).filter((node) => node.nodeType !== Node.ELEMENT_NODE).map((node) => node.nodeValue),
      ]);
      return texts.filter((text) => bad.test(text)).map((text) => text.slice(0, 80));
    });
    assert.deepEqual(harmful, []);
    // What would have loaded or run is there to be read.
    const text = await page.locator("#conversations").textContent();
    assert.ok(text.includes("<script>document.title='owned'</script>") && text.includes("\\u{202e}"), "it is shown");
    assert.deepEqual(noted, []);
    await close();
  },
  async "axe finds nothing serious, closed and open, light and dark, and while something plays"() {
    for (const url of [small, accept, hostile]) {
      for (const colorScheme of ["light", "dark"]) {
        const { page, noted, close } = await open(url, { colorScheme });
        if (colorScheme === "light") assert.deepEqual(await serious(page), [], `${url} closed`);
        await page.evaluate(() => {
          for (const it of Array.from(document.querySelectorAll(".opens, .finding, .text")).slice(0, 12)) it.open = true;
        });
        for (const next of await page.locator(".opens[open] [data-do=next]").all()) await next.click();
        await page.locator(".opens[open] .fields tbody tr").first().hover();
        assert.deepEqual(await serious(page), [], `${url} ${colorScheme} open`);
        assert.deepEqual(noted, []);
        await close();
      }
    }
  },
  async "from a phone to a projector nothing needs sideways scrolling, and nothing is cut"() {
    for (const url of [chat, accept, hostile]) {
      const { page, noted, close } = await open(url, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
      await page.locator("#open-all").click();
      for (const [width, height] of [[360, 740], [390, 844], [768, 1024], [1280, 720], [1920, 1080]]) {
        await page.setViewportSize({ width, height });
        const { wide, room, cut } = await page.evaluate(() => ({
          wide: document.documentElement.scrollWidth,
          room: innerWidth,
          // Tables of fields, the figure and the dump show all of themselves.
          cut: Array.from(document.querySelectorAll(".scroll:has(> .fields), .figure, .dump, .lines"))
            .filter((it) => it.scrollWidth > it.clientWidth + 1)
            .map((it) => `${it.className}: ${it.scrollWidth} of ${it.clientWidth} pixels`),
        }));
        assert.ok(wide <= room, `${url}: ${wide} of ${room} pixels`);
        assert.deepEqual([...new Set(cut)], [], `${url} at ${width}`);
      }
      assert.deepEqual(noted, []);
      await close();
    }
  },
  async "type grows with the screen"() {
    const sizes = [];
    for (const width of [390, 1280, 1920]) {
      const { page, close } = await open(chat, { viewport: { width, height: 800 } });
      sizes.push(await page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize)));
      await close();
    }
    assert.ok(sizes[0] >= 16 && sizes[1] > sizes[0] && sizes[2] >= 20, sizes.join(", "));
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
  async "it prints what is open, and nothing for a mouse"() {
    const { page, noted, close } = await open(accept, { colorScheme: "dark" });
    const sheets = async () => {
      const pdf = await page.pdf({ format: "A4" });
      assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
      return pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
    };
    const closed = await sheets();
    await page.locator("#open-all").click();
    const open_ = await sheets();
    assert.ok(closed <= 2 && open_ > closed && open_ <= 4, `${closed} sheets closed, ${open_} open`);
    await page.emulateMedia({ media: "print" });
    assert.ok(await page.locator("#open-all").isHidden(), "buttons are not for paper");
    assert.ok(await page.locator("#course").isHidden(), "nor are texts that are closed");
    assert.ok(await page.locator("#c1-e1 .fields").isVisible(), "what is open is");
    const paper = await page.evaluate(() => getComputedStyle(document.querySelector(".conversation")).backgroundColor);
    assert.ok(paper.match(/\d+/g).slice(0, 3).every((it) => Number(it) > 200), `paper is light: ${paper}`);
    assert.deepEqual(noted, []);
    await close();
  },
  async "fifty megabytes make a page that opens at once and says what it left out"() {
    const bytes = statSync(fileURLToPath(large)).size;
    assert.ok(bytes <= 4 << 20, `${bytes} bytes`);
    const { page, noted, close } = await open(large);
    const ready = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
    assert.ok(ready < 5000, `${ready} ms until it is there`);
    const notice = page.locator("[data-left-out]");
    assert.ok(await notice.isVisible());
    const left = Number(await notice.getAttribute("data-left-out"));
    const shown = await page.locator("[data-kind=frame]").count();
    const frames = Number(await page.locator("[data-fact=frames]").textContent());
    assert.equal(shown + left, frames, "what is shown and what is left out are all");
    const begun = Date.now();
    await page.locator("#open-all").click();
    await page.locator("#conversations .fields").last().waitFor({ state: "visible" });
    const opened = Date.now() - begun;
    assert.ok(opened < 15000, `${opened} ms until all of it is open`);
    console.log(`       ${bytes} bytes, there after ${Math.round(ready)} ms, all open after ${opened} ms, ${left} of ${frames} frames left out`);
    assert.deepEqual(noted, []);
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
  const begun = Date.now();
  try {
    await check();
    console.log(`ok     ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.message}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
