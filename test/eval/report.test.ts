import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { addEvalCommand } from "../../src/apps/cli/eval.ts";
import { Random } from "../../src/data/random.ts";
import { assertClose, type GoldenEvaluation, goldenCopies } from "./golden.ts";

const browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const options = browser ? {} : { skip: "no Chromium is installed" };
const folder = mkdtempSync(join(tmpdir(), "groundling-report-"));
after(() => rmSync(folder, { recursive: true }));

/** A set of many classes; its first picture exists. */
async function writeSet(classes: number): Promise<void> {
  const random = new Random(3);
  const images = Array.from({ length: 150 }, (_, id) => ({ id, file_name: `${id}.png`, width: 200, height: 150 }));
  const annotations = Array.from({ length: 3 * classes }, (_, i) => {
    const bbox = [100 * random.unit(), 60 * random.unit(), 20 + 80 * random.unit(), 20 + 60 * random.unit()];
    return { id: i + 1, image_id: i % 150, category_id: i % classes, bbox, area: bbox[2]! * bbox[3]!, iscrowd: 0 };
  });
  const detections = annotations
    .filter(() => random.unit() < 0.8)
    .map(({ image_id, category_id, bbox }) => ({
      image_id,
      category_id: random.unit() < 0.2 ? (category_id + 1) % classes : category_id,
      bbox: bbox.map((side) => side + 6 * random.unit()),
      score: random.unit(),
    }));
  const categories = Array.from({ length: classes }, (_, id) => ({ id, name: `thing <${id}> of a "kind"` }));
  writeFileSync(join(folder, "annotations.json"), JSON.stringify({ images, annotations, categories }));
  writeFileSync(join(folder, "detections.json"), JSON.stringify(detections));
  const background = { r: 90, g: 120, b: 150 };
  for (const { file_name, width, height } of images.slice(0, 80)) {
    await sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toFile(join(folder, file_name));
  }
}

async function report(ending: "html" | "json", ...args: string[]): Promise<string> {
  const file = join(folder, `report.${ending}`);
  const program = new Command().exitOverride();
  program.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  addEvalCommand(program);
  await program.parseAsync(["node", "groundling", "eval", ...args, "--report", file]);
  return file;
}

/** Opens a page and returns its errors and its requests. */
async function open(file: string) {
  const running = await chromium.launch({
    executablePath: browser!,
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--disable-gpu",
    ],
  });
  const page = await running.newPage({ viewport: { width: 1280, height: 900 } });
  const troubles: string[] = [];
  const requests: string[] = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (message) => troubles.push(message.text()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return { page, troubles, requests, close: () => running.close() };
}

test(
  "the report of 1,000 classes opens without the network and can be searched, sorted and explored",
  options,
  async () => {
    await writeSet(1000);
    const file = await report(
      "html",
      "--ground-truth",
      join(folder, "annotations.json"),
      "--detections",
      join(folder, "detections.json"),
    );
    const { page, troubles, requests, close } = await open(file);
    try {
      assert.equal(await page.locator(".row").count(), 1000);
      assert.equal(await page.locator(".tile").count(), 12);
      assert.equal(await page.locator(".card").count(), 48);
      assert.ok((await page.locator(".card image").count()) > 0, "pictures are shown where they are at hand");
      const sideways = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(sideways, 0);
      const tall = await page.evaluate(() => document.querySelector(".rows")!.getBoundingClientRect().height);
      assert.ok(tall <= 640, "a thousand rows scroll in their own box");
      const sizes = await page
        .locator(".row")
        .first()
        .evaluate((row) => [row.clientHeight, Number.parseFloat(getComputedStyle(row).fontSize)]);
      assert.ok(sizes[0]! >= 20 && sizes[1]! >= 12, "rows are large enough to read");
      const room = await page
        .locator(".row .name")
        .first()
        .evaluate((name) => name.clientWidth / Number.parseFloat(getComputedStyle(name).fontSize));
      assert.ok(room >= 12, "names have room for some 25 letters");

      await page.fill("#find", "<77>");
      assert.equal(await page.locator(".row:visible").count(), 1);
      const before = await page.locator("#recall .lines").innerHTML();
      await page.locator(".row:visible").click();
      assert.match((await page.locator("#which").textContent())!, /^thing <77> of a "kind"/);
      assert.notEqual(await page.locator("#recall .lines").innerHTML(), before);
      await page.locator(".row:visible").click();
      assert.equal(await page.locator("#recall .lines").innerHTML(), before);
      await page.fill("#find", "");
      await page.selectOption("#order", "name");
      assert.equal(await page.locator(".row .name").first().textContent(), 'thing <0> of a "kind"');
      assert.deepEqual(troubles, []);
      assert.deepEqual(
        requests.filter((url) => !/^(file|data):/.test(url)),
        [],
      );
    } finally {
      await close();
    }
  },
);

test("protocols without classes have a report too", options, async () => {
  const flickr = goldenCopies("flickr-1")[0]!;
  const predictions = join(folder, "predictions.json");
  const records = [...flickr.read<object[]>("predictions.json"), ...flickr.read<object[]>("detections.json")];
  writeFileSync(predictions, JSON.stringify(records));
  const file = await report(
    "html",
    "--protocol",
    "flickr30k",
    "--ground-truth",
    flickr.folder,
    "--detections",
    predictions,
  );
  const { page, troubles, close } = await open(file);
  try {
    assert.ok((await page.locator(".row").allTextContents()).some((text) => text.startsWith("people")));
    assert.deepEqual(await page.locator("h2").allTextContents(), [
      "Numbers",
      "R@1 of each",
      "Confusion table",
      "Worst misses",
    ]);
    assert.equal(await page.locator(".card").count(), 24);
    assert.ok(Number(await page.locator(".confusion td", { hasText: /^[0-9]+$/ }).count()) > 5);
    assert.deepEqual(troubles, []);
  } finally {
    await close();
  }
});

test("a report in JSON has every class's metrics and complete curves at full precision", async () => {
  const golden = goldenCopies("coco-box-1")[0]!;
  const [truth, detections] = ["annotations.json", "detections.json"].map((name) => join(golden.folder, name));
  const file = await report("json", "--ground-truth", truth!, "--detections", detections!);
  const { metrics, rows, scores } = JSON.parse(readFileSync(file, "utf8"));
  const expected = golden.read<GoldenEvaluation>("expected.json");
  assertClose(metrics, expected.summary, "metrics");
  expected.perCategory!.forEach(({ id: _, name, ...numbers }, place) => {
    assert.equal(rows[place].name, name);
    assertClose(rows[place].metrics, numbers as Record<string, number>, String(name));
  });
  const ids = expected.perCategory!.map(({ id }) => id);
  assert.ok(expected.curves!.length > 0);
  for (const { category_id, iouThr, precision } of expected.curves!) {
    const { curves } = rows[ids.indexOf(category_id)];
    assert.deepEqual(iouThr === 0.5 ? curves.half : curves.threeQuarters, precision);
  }
  assert.equal(scores.scores.length, scores.recall.length);
});
