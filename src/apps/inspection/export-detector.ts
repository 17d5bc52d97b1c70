/** A model for one size of pictures and one list of classes, as plain ONNX with a note on how to read its answers. */

import { InputError } from "../../errors.ts";
import { writeWhole } from "../../files/write-whole.ts";
import { promptOfClasses } from "../../inputs/words/prompts.ts";
import { STRIDES } from "../../models/parts/detector.ts";
import { exportOnnx } from "../../onnx/export.ts";
import { type AdaptedPrompt, promptOfAdapted, spoken } from "../../tasks/finding/adapted-prompt.ts";
import { baseMark } from "../../tasks/finding/base-mark.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import { concat, constant, input, reshape, swapLast, type Tensor } from "../../tensor/index.ts";

export interface ExportQuestion {
  /** Of the prepared picture, multiples of 32. */
  height: number;
  width: number;
  classes: readonly string[] | AdaptedPrompt;
  /** File to write; `path.json` beside it is the note. */
  path: string;
}

/**
 * Writes the model with input `image` [1,3,height,width] (blue, green, red; normalised) and, for the a anchors of all levels and l tokens of the
 * prompt, the outputs `logits` [1,a,l], `offsets` [1,a,4] and `centerness` [1,a].
 */
export async function exportDetector(
  { model, weights, words }: StoredModel,
  { height, width, classes, path }: ExportQuestion,
): Promise<void> {
  const { passes, labels } =
    "vectors" in classes
      ? promptOfAdapted({ words, model, mark: baseMark(weights) }, classes)
      : promptOfClasses(words, classes, { maxTokens: model.config.maxTokens });
  const [pass] = passes;
  if (!pass || passes.length > 1)
    throw new InputError(`these ${labels.length} names need ${passes.length} prompts; export fewer at once`);
  const predictor = new Predictor(model, weights);
  const { vectors, tokens } = await spoken(pass, ({ ids }) => predictor.text(ids)).finally(() => predictor.dispose());
  const text = constant(vectors, [1, tokens, model.textWidth]);
  const mask = constant(new Float32Array(tokens).fill(1), [1, tokens]);
  const levels = model.answer(model.image(input("image", [1, 3, height, width])), text, mask);
  const joined = (maps: readonly Tensor[], channels: number) =>
    concat(
      maps.map((map) => reshape(map, [1, channels, -1])),
      2,
    );
  const outputs = {
    logits: concat(
      levels.map(({ logits }) => logits),
      1,
    ),
    offsets: swapLast(
      joined(
        levels.map(({ offsets }) => offsets),
        4,
      ),
    ),
    centerness: reshape(
      joined(
        levels.map(({ centerness }) => centerness),
        1,
      ),
      [1, -1],
    ),
  };
  await exportOnnx(outputs, path, { weights });
  const note = {
    image: {
      shape: [1, 3, height, width],
      order: "BGR",
      mean: [103.53, 116.28, 123.675],
      std: [57.375, 57.12, 58.395],
    },
    strides: STRIDES,
    anchor: { side: "8 × stride", offsets: "centre / 10, logarithm of size / 5" },
    score: "sqrt(mean over the class's tokens of sigmoid(logits) × sigmoid(centerness))",
    classes: pass.classes.map((label, i) => ({ name: labels[label], tokens: pass.labelTokens[i] })),
  };
  await writeWhole(`${path}.json`, `${JSON.stringify(note, null, 2)}\n`);
}
