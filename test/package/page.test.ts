import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { type Detection, loadModel } from "../../src/index.ts";
import { repository } from "../cli/running.ts";

const browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const options = browser ? {} : { skip: "no Chromium is installed" };
const folder = mkdtempSync(join(tmpdir(), "groundling-page-"));
after(() => rmSync(folder, { recursive: true }));

const program = join(folder, "groundling.js");
before(async () => {
  // An imported Node module is an error.
  const entryPoints = [join(repository, "src/web.ts")];
  await build({ entryPoints, outfile: program, bundle: true, format: "esm", platform: "browser", logLevel: "silent" });
});

/** Puts the files named in docs/page.md next to the page, and pictures to choose. */
async function writePage(): Promise<void> {
  const runtime = join(repository, "node_modules/onnxruntime-web/dist");
  for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"])
    cpSync(join(runtime, name), join(folder, "onnxruntime-web", name));
  cpSync(join(repository, "assets/models/everyday"), join(folder, "everyday"), { recursive: true });
  cpSync(join(repository, "examples/page.html"), join(folder, "page.html"));
  // PNG: browsers decode JPEG with other rounding.
  for (const [name, picture] of Object.entries({ photo: "photos/cat.jpg", drawing: "pictures/scene-1.jpg" }))
    await sharp(join(repository, "examples", picture))
      .resize(320)
      .png()
      .toFile(join(folder, `${name}.png`));
}

const kinds: Record<string, string> = {
  ".wasm": "application/wasm",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
};

/** Serves the folder on loopback; returns its URL. */
async function serve(): Promise<{ address: string; close(): void }> {
  const server = createServer((request, response) => {
    const file = join(folder, new URL(request.url!, "http://localhost").pathname);
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": kinds[extname(file)] ?? "application/octet-stream" });
    return response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

function assertSame(found: readonly Detection[], expected: readonly Detection[]): void {
  assert.equal(found.length, expected.length);
  expected.forEach(({ label, score, box }, i) => {
    assert.equal(found[i]!.label, label);
    assert.ok(Math.abs(found[i]!.score - score) < 1e-4, `${found[i]!.score} is not ${score}`);
    for (const side of ["xmin", "ymin", "xmax", "ymax"] as const)
      assert.ok(Math.abs(found[i]!.box[side] - box[side]) < 0.05, `${side} ${found[i]!.box[side]} is not ${box[side]}`);
  });
}

test("the entry point for pages imports no Node module", () => {
  assert.doesNotMatch(readFileSync(program, "utf8"), /\bimport\b[^\n]*["']node:|require\(["'](?:node:|fs)/);
});

/** The detections for one picture in every form that a page accepts, as text; runs in the page. */
const everyKind = `(async () => {
  const { loadModel } = await import("groundling");
  const model = await loadModel("everyday");
  const image = Object.assign(new Image(), { src: "photo.png" });
  const blob = await (await fetch("photo.png")).blob();
  const bitmap = await createImageBitmap(blob);
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return model.detect(["photo.png", image, bitmap, canvas, data, bytes], "cat.");
})()`;

test("a page of 30 lines finds the boxes that Node finds", options, async () => {
  await writePage();
  assert.ok(readFileSync(join(folder, "page.html"), "utf8").split("\n").length <= 30);
  const { address, close } = await serve();
  const running = await chromium.launch({ executablePath: browser!, args: ["--no-sandbox", "--disable-gpu"] });
  const model = await loadModel();
  try {
    const page = await running.newPage();
    page.setDefaultTimeout(300_000);
    const troubles: string[] = [];
    page.on("pageerror", (error) => troubles.push(error.message));
    await page.goto(`${address}/page.html`);
    await page.waitForSelector("#file:enabled");
    for (const [name, prompt] of [
      ["photo", "cat. cup."],
      ["drawing", "chair. dog. bottle. apple. car. tree."],
    ] as const) {
      await page.fill("#prompt", prompt);
      await page.setInputFiles("#file", join(folder, `${name}.png`));
      const answer = page.locator("#answer", { hasText: /^\[/ });
      const found: Detection[] = JSON.parse((await answer.textContent())!);
      assert.ok(found.length > 0, name);
      assertSame(found, await model.detect(join(folder, `${name}.png`), prompt));
      await page.locator("#answer").evaluate((element) => element.replaceChildren());
    }
    const answers: Detection[][] = await page.evaluate(everyKind);
    answers.forEach((found) => void assertSame(found, answers[0]!));
    assert.ok(answers.length === 6 && answers[0]!.length > 0);
    assert.deepEqual(troubles, []);
  } finally {
    await model.dispose();
    await running.close();
    close();
  }
});
