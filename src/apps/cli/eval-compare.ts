/** `groundling eval compare A B`: the differences between two runs, with confidence intervals. */
import type { Command } from "commander";
import { InputError } from "../../errors.ts";
import type { Scored } from "../../evaluation/protocols/protocol-row.ts";
import { type EvalRequest, scoreFiles } from "../../evaluation/score-files.ts";
import { type Difference, pairedBootstrap } from "../../metrics/bootstrap.ts";
import { plainTable } from "../detections/plain-table.ts";

interface CompareOptions extends Omit<EvalRequest, "groundTruth"> {
  groundTruth?: string;
  format: "json" | "table";
  samples: string;
  seed: string;
}

/** Adds `compare` to the eval command and shares its options. */
export function addCompareCommand(command: Command): void {
  command
    .command("compare")
    .argument("<a>", "detections of the first run, in a format that eval --detections accepts")
    .argument("<b>", "detections of the second run over the same images")
    .description(
      "Compare the detections of two runs: differences with 95 % confidence intervals from a paired bootstrap over images.",
    )
    .option("--samples <count>", "number of bootstrap samples", "1000")
    .option("--seed <number>", "seed of the bootstrap", "0")
    .addHelpText(
      "after",
      "\nRequires --ground-truth FILE (a folder for odinw). Also accepts these options of eval:\n--protocol, --type, --subset, --boxes, --format.",
    )
    .action(async (a: string, b: string, _: unknown, compare: Command) => {
      const options = compare.optsWithGlobals<CompareOptions>();
      const [samples, seed] = [Number(options.samples), Number(options.seed)];
      if (!Number.isInteger(samples) || samples < 1) throw new InputError("--samples must be a whole number above 0");
      if (!Number.isInteger(seed)) throw new InputError("--seed must be a whole number");
      const { groundTruth } = options;
      if (groundTruth === undefined)
        throw new InputError("compare needs --ground-truth FILE, the annotations for scoring both runs");
      const first = await scoreFiles({ ...options, groundTruth, detections: a });
      const second = await scoreFiles({ ...options, groundTruth, detections: b });
      const differences = compareRuns(first, second, { samples, seed });
      command.configureOutput().writeOut!(
        options.format === "json" ? `${JSON.stringify({ differences }, null, 2)}\n` : differenceTable(differences),
      );
    });
}

/** The differences between two runs over the same images. */
export function compareRuns(first: Scored, second: Scored, draws: { samples: number; seed: number }): Difference[] {
  const [one, other] = [first.resampled?.(), second.resampled?.()];
  if (!one || !other) throw new InputError("runs of this protocol cannot be compared; score each by groundling eval");
  return pairedBootstrap(one.images, { first: one.score, second: other.score }, draws);
}

function differenceTable(differences: readonly Difference[]): string {
  const percent = (value: number) => (100 * value).toFixed(2);
  const signed = (value: number) => (value > 0 ? "+" : "") + percent(value);
  const rows = differences.map(({ metric, first, second, difference, low, high }) => [
    metric,
    percent(first),
    percent(second),
    signed(difference),
    `[${signed(low)}, ${signed(high)}]`,
    low > 0 || high < 0 ? "significant" : "not significant",
  ]);
  return `${plainTable(["metric", "A", "B", "B − A", "95 % interval", ""], rows)}\n`;
}
