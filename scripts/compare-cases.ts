/**
 * Compares the program with cases of another implementation: `groundling inspect` with every stored array, `detect` or `ground` with the
 * detections and their order, within four times the rounding error of the case. A case is NAME.json, NAME.safetensors and NAME.png, as
 * written by `cases.py make` of the second implementation; the model is written by `cases.py weights` with the case's preset and seed.
 *
 *     node --import tsx scripts/compare-cases.ts --model MODEL.pth CASE...
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { groundling } from "../test/cli/running.ts";
import { type CaseMeta, compareDetections, compareIntermediates, questionOf } from "../test/parity/cases.ts";
import { openGolden } from "../test/parity/golden.ts";

const { values, positionals } = parseArgs({ options: { model: { type: "string" } }, allowPositionals: true });
const { model } = values;
if (!model || !existsSync(model) || positionals.length === 0)
  throw new Error("give --model FILE and at least one CASE");
const folder = mkdtempSync(join(tmpdir(), "groundling-cases-"));
try {
  for (const stem of positionals) {
    const golden = await openGolden<CaseMeta>(stem);
    const out = join(folder, "inside.safetensors");
    const { inspect, find } = questionOf(golden.meta);
    const where = [`${stem}.png`, "--model", model, "--size", `${golden.meta.short},1333`];
    const inside = await groundling(["inspect", ...where, ...inspect, "--out", out]);
    if (inside.code !== 0) throw new Error(`inspect of ${stem}: ${inside.stderr}`);
    const arrays = await compareIntermediates(golden, out);
    const [command, ...words] = find;
    const found = await groundling([command, ...where, ...words, "--threshold", "0", "--format", "json"]);
    if (found.code !== 0) throw new Error(`${command} of ${stem}: ${found.stderr}`);
    const detections = await compareDetections(golden, JSON.parse(found.stdout)[0].detections);
    await golden.close();
    const { preset, real_tokens: tokens, padded_hw: sides } = golden.meta;
    console.log(
      `${stem} (${preset}, ${sides.join(" x ")}, ${tokens} tokens): ${arrays.count} arrays, worst ${arrays.worst.toFixed(2)}; ` +
        `${detections.count} detections in order, worst ${detections.worst.toFixed(2)} times the rounding`,
    );
    for (const line of [...arrays.wrong, ...detections.wrong]) console.log(`  ${line}`);
    if (arrays.wrong.length + detections.wrong.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
