/** The page in a real browser, as a person uses it. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { build } from "vite";
import { pageFolders, writePage } from "../../src/apps/page/page-files.ts";
import { type PageServer, servePage } from "../../src/apps/page/serve-page.ts";
import { type Box, loadModel, readAdapted } from "../../src/index.ts";
import { drawingsOf, SIDE } from "../../src/tasks/teaching/fixtures/drawings.ts";
import { repository } from "../cli/running.ts";

const root = mkdtempSync(join(tmpdir(), "page-"));
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const options = executablePath ? {} : { skip: "no Chromium is installed" };
const photo = join(repository, "examples/photos/cat.jpg");
const built = join(root, "built");
let server: PageServer;
let browser: Browser;

before(async () => {
  const configFile = join(repository, "apps/web/vite.config.ts");
  await build({ configFile, logLevel: "silent", build: { outDir: built, emptyOutDir: true } });
  server = await servePage(pageFolders(built), { host: "127.0.0.1", port: 0 });
  browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox", "--disable-gpu"] });
});
after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(root, { recursive: true });
});

/** A new page whose model is loaded. */
async function opened(at = "", viewport = { width: 1200, height: 900 }): Promise<{ page: Page; troubles: string[] }> {
  const page = await (await browser.newContext({ viewport })).newPage();
  page.setDefaultTimeout(300_000);
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  await page.goto(server.address + at);
  await loaded(page);
  return { page, troubles };
}

const loaded = (page: Page) => page.locator(".badge", { hasText: "loaded in" }).waitFor();
const picture = (page: Page) => page.locator("svg[role=img]");
const named = (page: Page, words: RegExp) => page.getByRole("img", { name: words }).waitFor();

test(
  "a dropped picture's boxes follow the words and the slider, and words, boxes and maps explain each other",
  options,
  async () => {
    const { page, troubles } = await opened();
    await drop(page, photo);
    await named(page, /^1 boxes: cat$/);
    await page.getByLabel("What to find").fill("cup. cat's eye. nose.");
    await named(page, /^\d+ boxes(?!: cat$)/);
    const asked = await page.locator(".badge").textContent();
    await page.getByLabel("Least score").fill("0.15");
    const many = await boxesIn(page);
    await page.getByLabel("Least score").fill("0.5");
    assert.ok((await boxesIn(page)) < many);
    // The slider asks nothing.
    assert.equal(await page.locator(".badge").textContent(), asked);
    await page.getByLabel("What to find").fill("cat. cup.");
    await named(page, /^1 boxes: cat$/);
    assert.match(page.url(), /text=cat\.\+cup\.&kind=names&threshold=0\.5$/);
    await page.locator("g rect.found").hover();
    await page.getByText(/cat \d+ % · cup \d+ %/).waitFor();
    await page.getByRole("button", { name: "Map of cat" }).click();
    assert.ok(await page.getByRole("img", { name: "where the picture fits cat" }).isVisible());
    await page.getByRole("button", { name: /^cup: 0/ }).focus();
    await page.locator("g.faint").waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "COCO JSON" }).click();
    const { images, annotations, categories } = JSON.parse(readFileSync(await (await saved).path(), "utf8"));
    assert.deepEqual([images[0].file_name, annotations.length, categories[0].name], ["cat.jpg", 1, "cat"]);
    // The same box as Node's, but that browsers decode JPEG with other rounding.
    await using model = await loadModel();
    const [found] = await model.detect(photo, ["cat", "cup"]);
    const [x, y, w, h] = annotations[0].bbox;
    const { xmin, ymin, xmax, ymax } = found!.box;
    for (const [own, nodes] of [
      [x, xmin],
      [y, ymin],
      [x + w, xmax],
      [y + h, ymax],
    ])
      assert.ok(Math.abs(own - nodes) < 2);
    assert.ok(Math.abs(annotations[0].score - found!.score) < 0.02);
    assert.deepEqual(troubles, []);
    await page.context().close();
  },
);

test("a caption's phrases are found, also from a link, and a text file is no picture", options, async () => {
  const { page } = await opened("#text=a+dog+and+a+chair&kind=caption&threshold=0.4");
  assert.equal(await page.getByLabel(/A caption/).inputValue(), "a dog and a chair");
  await choose(page, join(repository, "examples/pictures/scene-1.jpg"));
  await named(page, /a chair/);
  await choose(page, join(repository, "package.json"));
  await page.getByText("package.json is not a picture that this browser can read").waitFor();
  await page.context().close();
});

test(
  "three boxes teach a name, which is found in another picture, saved, read in Node and opened again",
  options,
  async () => {
    const drawings = await drawingsOf("anchor", { folder: join(root, "scenes"), count: 12 });
    const { page, troubles } = await opened();
    await page.getByLabel("Name", { exact: true }).fill("gloop");
    for (const { file, boxes } of drawings.slice(0, 3)) {
      await choose(page, file);
      await page.getByRole("img", { name: /boxes/ }).waitFor();
      await page.getByRole("button", { name: "Draw boxes" }).click();
      for (const box of boxes) await drag(page, picture(page), box);
      await page.getByRole("button", { name: "Stop drawing" }).click();
    }
    const drawn = drawings.slice(0, 3).reduce((sum, { boxes }) => sum + boxes.length, 0);
    await page.getByRole("button", { name: `Learn from ${drawn} boxes` }).click();
    await page.getByText("Finding what was taught: gloop").waitFor();
    await choose(page, drawings[3]!.file);
    await named(page, /gloop/);
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save what was taught" }).click();
    const file = join(root, "prompt.safetensors");
    await (await saved).saveAs(file);
    const { prompt } = await readAdapted(file);
    await using model = await loadModel();
    const found = await model.detect(drawings[3]!.file, prompt!);
    assert.ok(found.length > 0 && found.every(({ label }) => label === "gloop"));
    await page.getByRole("button", { name: "Back to words" }).click();
    await page.getByLabel("Open").setInputFiles(file);
    await page.getByText("Finding what was taught: gloop").waitFor();
    assert.deepEqual(troubles, []);
    await page.context().close();
  },
);

test(
  "the page works without a network after its first load, on a phone, and axe finds nothing serious",
  options,
  async () => {
    const { page, troubles } = await opened("", { width: 390, height: 844 });
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await page.context().setOffline(true);
    await page.reload();
    await loaded(page);
    await choose(page, photo);
    await named(page, /^1 boxes: cat$/);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390), "it scrolls sideways");
    await page.evaluate(readFileSync(join(repository, "node_modules/axe-core/axe.min.js"), "utf8"));
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
        return (await axe.run()).violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]!.html}`);
      });
      assert.deepEqual(violations, []);
    }
    assert.deepEqual(troubles, []);
    await page.context().close();
  },
);

test("a folder of the page is complete, and one with files is refused", async () => {
  const out = join(root, "static");
  await writePage(pageFolders(built), out);
  for (const name of ["index.html", "service-worker.js", "ort/ort.wasm.min.mjs", "models/everyday/model.safetensors"])
    assert.ok(existsSync(join(out, name)), name);
  await assert.rejects(writePage(pageFolders(built), out), { name: "InputError", message: /is not empty/ });
  assert.throws(() => pageFolders(join(root, "none")), { name: "InputError", message: /npm run build/ });
});

test("the server gives no file outside the page, and a taken port is refused", async () => {
  for (const path of ["/../package.json", "/%2e%2e/package.json", "/ort/%2e%2e/%2e%2e/package.json", "/ort/ort.js"])
    assert.equal(await statusOf(path), 404, path);
  assert.equal((await fetch(server.address, { method: "POST" })).status, 405);
  const { port } = new URL(server.address);
  await assert.rejects(servePage(pageFolders(built), { host: "127.0.0.1", port: Number(port) }), {
    name: "InputError",
    message: /another program uses this port/,
  });
});

/** The answer to a path that is sent as it is; `fetch` would resolve its dots. */
function statusOf(path: string): Promise<number> {
  const { hostname, port } = new URL(server.address);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on("error", reject).end();
  });
}

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

async function boxesIn(page: Page): Promise<number> {
  return page.locator("g rect.found").count();
}

async function choose(page: Page, file: string): Promise<void> {
  await page.locator("main input[type=file]").first().setInputFiles(file);
}

/** Drops a file on the page as a person does. */
async function drop(page: Page, file: string): Promise<void> {
  const bytes = readFileSync(file).toString("base64");
  const data = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    const content = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    transfer.items.add(new File([content], "cat.jpg", { type: "image/jpeg" }));
    return transfer;
  }, bytes);
  await page.dispatchEvent("main", "drop", { dataTransfer: data });
}

/** Draws a box of the picture's pixels with the mouse. */
async function drag(page: Page, on: Locator, { xmin, ymin, xmax, ymax }: Box): Promise<void> {
  await on.scrollIntoViewIfNeeded();
  const { x, y, width } = (await on.boundingBox())!;
  const scale = width / SIDE;
  await page.mouse.move(x + xmin * scale, y + ymin * scale);
  await page.mouse.down();
  await page.mouse.move(x + xmax * scale, y + ymax * scale, { steps: 3 });
  await page.mouse.up();
}
