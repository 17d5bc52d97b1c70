/** `groundling eval`: scores detections by the protocols of the field. */
import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import { addCompareCommand } from "./eval-compare.ts";
import { type EvalRequest, protocols, type Scored, scoreFiles } from "./eval-files.ts";
import { percent, plainTable } from "./table.ts";

interface EvalOptions extends Omit<EvalRequest, "detections"> {
  detections?: string;
  format: "json" | "table";
}

/** Adds `eval` and `eval compare` to a program. */
export function addEvalCommand(program: Command): void {
  const command = program
    .command("eval")
    .description("score detections as the original tools of COCO, LVIS, Flickr30k Entities and ODinW do")
    .requiredOption(
      "--ground-truth <file>",
      "annotations; a folder for flickr30k (as published) and odinw (SET/annotations.json)",
    )
    .option("--detections <file>", "detections: a JSON list, or one record a line (.jsonl)")
    .addOption(new Option("--protocol <name>", "whose rules").choices(protocols).default("coco"))
    .addOption(new Option("--type <regions>", "boxes or masks").choices(["bbox", "segm"]).default("bbox"))
    .option("--subset <name>", "flickr30k: which list of images", "test")
    .addOption(
      new Option("--boxes <which>", "flickr30k: any box of a phrase, or the one around all")
        .choices(["any", "merged"])
        .default("any"),
    )
    .addOption(new Option("--format <form>", "what to print").choices(["json", "table"]).default("table"))
    .action(async (options: EvalOptions) => {
      const { detections } = options;
      if (detections === undefined) throw new InputError("eval needs --detections FILE");
      const scored = await scoreFiles({ ...options, detections });
      command.configureOutput().writeOut!(options.format === "json" ? metricsJson(scored) : metricsTable(scored));
    });
  addCompareCommand(command);
}

/** `{ "metrics": { … } }` at full precision. */
export function metricsJson({ metrics }: Pick<Scored, "metrics">): string {
  return `${JSON.stringify({ metrics }, null, 2)}\n`;
}

/** The numbers in percent, then those of each class or set, best first. */
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
