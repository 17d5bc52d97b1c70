/** `groundling eval`: scores detections by the standard protocols. */
import { availableParallelism } from "node:os";
import { basename, dirname, extname } from "node:path";
import { type Command, Option } from "commander";
import type { DatasetChoice } from "../../data/readers/find-dataset.ts";
import { InputError } from "../../errors.ts";
import type { Scored } from "../../evaluation/protocols/protocol-row.ts";
import type { ClassVectorRule } from "../../evaluation/protocols/zero-shot.ts";
import { protocolRows, protocols } from "../../evaluation/protocols.ts";
import { type EvalRequest, scoreFiles } from "../../evaluation/score-files.ts";
import { checkWritableFile, checkWritableFolder } from "../../files/writable.ts";
import { writeInto } from "../../files/write-whole.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { withInterruption } from "../../learning/interruption.ts";
import { percent, plainTable } from "../detections/plain-table.ts";
import { ProgressBar } from "../progress/progress-bar.ts";
import { addDataCommand } from "./data.ts";
import { datasetOptions } from "./dataset-options.ts";
import { chosenDevice, type DeviceChoice, deviceOption } from "./device.ts";
import { addCompareCommand } from "./eval-compare.ts";
import { sizeRule, wholeNumber } from "./numbers.ts";

interface EvalOptions extends Omit<EvalRequest, "groundTruth" | "detections">, DatasetChoice, DeviceChoice {
  groundTruth?: string;
  detections?: string;
  model?: string;
  adapted?: string;
  data?: string;
  workers: number;
  prompts?: boolean;
  classVectors?: ClassVectorRule;
  size?: SizeRule;
  format: "json" | "table";
  report?: string;
  quiet: boolean;
}

/** Adds `eval` with `compare`, and `data`, which checks datasets before an evaluation. */
export function addEvalCommand(program: Command): void {
  const command = program
    .command("eval")
    .description(
      "Score a model or its detections. Gives the same numbers as the original tools of COCO, LVIS, Flickr30k Entities and ODinW.",
    )
    .option(
      "--ground-truth <path>",
      "dataset for scoring --detections; a folder for flickr30k (as published) and odinw (SET/annotations.json)",
    )
    .option(
      "--detections <file>",
      "detections: a JSON list, or one record per line (.jsonl); a folder for odinw; for zero-shot, linear-probe and retrieval the vectors (.jsonl)",
    )
    .option(
      "--data <path>",
      "dataset to run a model on; its detections are written to --detections (default: detections.jsonl), which must not exist",
    )
    .option(
      "--model <path or name>",
      "model folder, checkpoint file, or a name listed by groundling models (default: the built-in model)",
    )
    .option("--adapted <file>", "adapters or a tuned prompt from groundling adapt")
    .addOption(deviceOption())
    .addOption(datasetOptions.images())
    .addOption(datasetOptions.as())
    .addOption(datasetOptions.split())
    .addOption(
      new Option("--workers <count>", "number of worker threads, each with its own model")
        .argParser(wholeNumber(1, 256))
        .default(Math.min(availableParallelism(), 4), "one per core, at most 4"),
    )
    .option("--size <short,max>", "resize pictures to these sides in pixels (default: the model's own)", sizeRule)
    .addOption(new Option("--protocol <name>", "evaluation protocol").choices(protocols).default("coco"))
    .addOption(
      new Option("--type <regions>", "score boxes (bbox) or masks (segm)").choices(["bbox", "segm"]).default("bbox"),
    )
    .option("--subset <name>", "for flickr30k: the list of images", "test")
    .addOption(
      new Option(
        "--boxes <which>",
        "for flickr30k: compare with any box of a phrase, or with the box around all of them",
      )
        .choices(["any", "merged"])
        .default("any"),
    )
    .option("--prompts", "for odinw: use the class prompts of GLIP's ODinW-35 configuration")
    .addOption(
      new Option(
        "--class-vectors <rule>",
        "for zero-shot: openai (mean of the unit vectors of 80 prompts), regionclip (mean of the raw vectors of 81 prompts) or photo (one prompt)",
      )
        .choices(["openai", "regionclip", "photo"])
        .default("openai"),
    )
    .option("--quiet", "do not show progress", false)
    .option(
      "--report <file>",
      "also write a self-contained HTML page, or all numbers, curves and mistakes as .json; an existing file is replaced",
    )
    .addOption(new Option("--format <form>", "output format").choices(["json", "table"]).default("table"))
    .action(async (options: EvalOptions) => {
      const files = await filesOf(options);
      const scored = await scoreFiles({ ...options, ...files });
      if (options.report !== undefined) await writeReport(scored, options, { ...files, report: options.report });
      command.configureOutput().writeOut!(options.format === "json" ? metricsJson(scored) : metricsTable(scored));
    });
  addCompareCommand(command);
  addDataCommand(program);
}

/** The files to score: the given files, or new detections by a model. */
async function filesOf(options: EvalOptions): Promise<{ groundTruth: string; detections: string }> {
  const { groundTruth, detections, data, size } = options;
  if (data === undefined) {
    if (groundTruth !== undefined && detections !== undefined) return { groundTruth, detections };
    throw new InputError("eval needs --ground-truth FILE and --detections FILE, or --data PATH to run a model on");
  }
  const row = await protocolRows[options.protocol]();
  const output = detections ?? row.detections;
  // One file, or a folder of them; checked before anything is read.
  if (extname(row.detections) === "") checkWritableFolder(output);
  else checkWritableFile(output);
  // Loaded only here, because scoring files needs no model.
  const { detectDataset } = await import("../../evaluation/detect-dataset.ts");
  const bar = { current: undefined as ProgressBar | undefined };
  const progress = (file: string, pictures: number) => {
    bar.current?.stop();
    bar.current = new ProgressBar({ label: basename(file), unit: "pictures", quiet: options.quiet });
    bar.current.start(pictures);
    return (done: number) => bar.current?.update(done);
  };
  const { device: named, ...rest } = options;
  const device = await chosenDevice(options);
  const request = { ...rest, ...device, data, options: size ? { size } : {}, progress };
  await withInterruption((signal) => detectDataset({ ...request, signal }, output)).finally(() => bar.current?.stop());
  return { groundTruth: groundTruth ?? data, detections: output };
}

/** Writes the report as a page, with mistakes shown in the pictures that can be found, or its data as JSON. */
async function writeReport(
  scored: Scored,
  { protocol, type, model, data, images }: EvalOptions,
  files: { groundTruth: string; detections: string; report: string },
): Promise<void> {
  const { reportData } = await import("../../evaluation/report/report-data.ts");
  const { reportPage } = await import("../../evaluation/report/page.ts");
  const { groundTruth, detections, report } = files;
  const facts: [string, string][] = [
    ["protocol", protocol],
    ["compared", type === "bbox" ? "boxes" : "masks"],
    ["ground truth", groundTruth],
    data === undefined ? ["detections", detections] : ["model", model ?? "built-in"],
  ];
  const told = reportData(scored, { title: `Evaluation by ${protocol}`, facts });
  if (/\.json$/i.test(report)) {
    await writeInto(dirname(report), basename(report), `${JSON.stringify(told)}\n`);
    return;
  }
  const page = await reportPage(told, scored.pictures?.(images) ?? { images: [] });
  await writeInto(dirname(report), basename(report), page);
}

/** `{ "metrics": { … } }` at full precision. */
export function metricsJson({ metrics }: Pick<Scored, "metrics">): string {
  return `${JSON.stringify({ metrics }, null, 2)}\n`;
}

/** The overall metrics in percent, then the metrics of each class or set, best first. */
export function metricsTable({ metrics, rows }: Scored): string {
  const names = Object.keys(metrics);
  const overall = plainTable(
    ["metric", "%"],
    names.map((name) => [name, percent(metrics[name]!)]),
  );
  if (rows.length === 0) return `${overall}\n`;
  const columns = Object.keys(rows[0]!.metrics).slice(0, 6);
  const leading = columns[0]!;
  const sorted = [...rows].sort((a, b) => b.metrics[leading]! - a.metrics[leading]!);
  const cell = (column: string, value: number) => (column === "phrases" ? String(value) : percent(value));
  const each = plainTable(
    ["", ...columns],
    sorted.map((row) => [row.name, ...columns.map((column) => cell(column, row.metrics[column]!))]),
  );
  return `${overall}\n\n${each}\n`;
}
