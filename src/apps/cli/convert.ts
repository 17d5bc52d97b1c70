/** `groundling convert`: converts a published checkpoint to a model folder. */

import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { InputError } from "../../errors.ts";
import { readTextFile } from "../../files/read-file.ts";
import type { SizeRule } from "../../inputs/pictures/preparation.ts";
import { type GlipConfig, glip, publishedExtras } from "../../models/glip/glip.ts";
import { glipPresets } from "../../models/glip/glip-presets.ts";
import { sizeRule } from "./numbers.ts";
import { print } from "./writing.ts";

/** The vocabulary of every published model. */
const BERT_WORDS = fileURLToPath(new URL("../../../assets/bert-base-uncased/vocab.txt", import.meta.url));
/** Bytes; the largest published vocabularies have about 5 MB. */
const MOST_VOCABULARY = 2 ** 26;

interface Choices {
  to: string;
  vocab?: string;
  size: SizeRule;
  preset?: keyof typeof glipPresets;
}

/** Adds the command to a program. */
export function addConvertCommand(program: Command): void {
  program
    .command("convert <file>")
    .description("Convert a published checkpoint (.pth or safetensors) to a model folder.")
    .requiredOption(
      "--to <folder>",
      "model folder to write; an existing model is replaced, a folder with other files is refused",
    )
    .option("--vocab <file>", "WordPiece vocabulary, one token per line (default: bert-base-uncased)")
    .addOption(
      new Option("--size <short,max>", "sides in pixels to which the model resizes pictures")
        .argParser(sizeRule)
        .default({ short: 800, max: 1333 }, "800,1333"),
    )
    .addOption(
      new Option("--preset <name>", "architecture of the model (default: inferred from its tensors)").choices(
        Object.keys(glipPresets),
      ),
    )
    .action(convert);
}

async function convert(file: string, { to, vocab, size, preset }: Choices): Promise<void> {
  const { inferConfig } = await import("../../models/glip/infer-config.ts");
  const { writeModelFolder } = await import("../../tasks/finding/model-folder.ts");
  const { refuseToReplaceOthers } = await import("../../tasks/finding/replaceable-folder.ts");
  const { checkFit } = await import("../../weights/fit.ts");
  const { openWeights } = await import("../../weights/open-weights.ts");
  await refuseToReplaceOthers(to);
  const vocabulary = vocab ?? BERT_WORDS;
  const words = readTextFile(vocabulary, MOST_VOCABULARY);
  const opened = await openWeights(file);
  try {
    const config: GlipConfig = preset ? glipPresets[preset] : inferConfig(opened.entries, file);
    const tokens = words.trimEnd().split("\n").length;
    const { vocabularySize } = config.bert;
    if (tokens !== vocabularySize)
      throw new InputError(
        `${vocabulary} has ${tokens} tokens, but the model has ${vocabularySize}; give the model's vocabulary with --vocab`,
      );
    const { parameters } = glip(config);
    checkFit(parameters, opened, { mayBeUnused: publishedExtras });
    const weights = parameters.map(({ name, shape }) => {
      const { dtype } = opened.entries.get(name)!;
      return { name, dtype, shape, data: opened.readPieces(name) };
    });
    const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
    await writeModelFolder(to, {
      type: "groundling-glip",
      config,
      size,
      vocabulary,
      card: cardOf(file, config, count),
      weights,
    });
    print(`${to}: ${count.toLocaleString("en")} parameters\n`);
  } finally {
    await opened.close();
  }
}

/** A model card with the source of the weights. */
function cardOf(file: string, { backbone, fusion, steps, maxTokens }: GlipConfig, parameters: number): string {
  return `---
library_name: groundling
pipeline_tag: zero-shot-object-detection
---

# ${basename(file)}

A GLIP model (grounded language-image pre-training, arXiv 2112.03857): finds things in pictures by words.
Converted by \`groundling convert\` from \`${basename(file)}\`. The weights are unchanged. The license of the original applies.

| | |
|---|---|
| parameters | ${parameters.toLocaleString("en")} |
| backbone | ${backboneText(backbone)} |
| deep fusion | ${fusion ? `in ${steps} steps` : "none"} |
| prompt | at most ${maxTokens} tokens |

\`\`\`
groundling detect photo.jpg --model . --prompt "person. bicycle."
\`\`\`
`;
}

function backboneText(backbone: GlipConfig["backbone"]): string {
  if (backbone === "mobilenet-v2") return "MobileNetV2";
  return `Swin, ${backbone.embedDim} channels, depths ${backbone.depths.join("-")}, windows of ${backbone.window}`;
}
