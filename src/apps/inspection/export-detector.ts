/** Exports a model for one picture size and one list of classes to ONNX, with a JSON note on how to use it. */

import { basename } from "node:path";
import { InputError } from "../../errors.ts";
import { writeWhole } from "../../files/write-whole.ts";
import { NameList } from "../../inputs/words/name-list.ts";
import type { Pass } from "../../inputs/words/prompts.ts";
import { exportOnnx } from "../../onnx/export.ts";
import { type AdaptedPrompt, promptOfAdapted, withLearnedVectors } from "../../tasks/finding/adapted-prompt.ts";
import { baseDigest } from "../../tasks/finding/base-digest.ts";
import { Companion } from "../../tasks/finding/companion.ts";
import type { StoredModel } from "../../tasks/finding/model-folder.ts";
import { Predictor } from "../../tasks/finding/predictor.ts";
import { readCompanion } from "../../tasks/finding/read-companion.ts";
import { concat, constant, input, reshape, swapLast, type Tensor } from "../../tensor/index.ts";
import { companionNote, exportCompanion } from "./export-companion.ts";
import { detectorNote } from "./export-note.ts";

export interface ExportQuestion {
  /** Size of the prepared picture in pixels, multiples of 32. */
  height: number;
  width: number;
  classes: readonly string[] | AdaptedPrompt;
  /** File to write; the note is `path.json`. */
  path: string;
}

/** The files that were written. */
export interface Exported {
  model: string;
  /** The JSON note on how to use the model. */
  note: string;
  /** The second detector, if the model has one that knows some of the classes. */
  companion?: string;
}

/**
 * Writes the model with input `image` [1,3,height,width] (blue, green, red; normalised) and, for the a anchors of all levels and l tokens of the
 * prompt, the outputs `logits` [1,a,l], `offsets` [1,a,4] and `centerness` [1,a]. If the companion knows some of the classes, also writes
 * it as `NAME.companion.onnx`. Throws InputError if the names need several prompts.
 */
export async function exportDetector(stored: StoredModel, question: ExportQuestion): Promise<Exported> {
  const { height, width, classes, path } = question;
  const { model, weights, words, companion } = stored;
  const names = stored.names && new NameList(stored.names);
  const { passes, labels } =
    "vectors" in classes
      ? promptOfAdapted({ pieces: words.pieces, model, digest: baseDigest(weights) }, classes)
      : words.promptOf(names?.allSpelledOut(classes) ?? classes, { maxTokens: model.maxTokens });
  const [pass] = passes;
  if (!pass || passes.length > 1)
    throw new InputError(`these ${labels.length} names need ${passes.length} prompts; export fewer at once`);
  await exportOnnx(await answersOf(stored, pass, { height, width }), path, { weights });
  const note = detectorNote({ height, width }, stored.preparation, {
    classes: pass.classes.map((label, i) => ({ name: labels[label]!, tokens: pass.labelTokens[i]! })),
  });
  const beside = companion && !pass.learned ? await readCompanion(companion, stored.names?.photos) : undefined;
  const known = beside ? columnsOf(new Companion(beside), labels, names) : [];
  const file = `${path.replace(/\.onnx$/, "")}.companion.onnx`;
  if (beside && known.length > 0) await exportCompanion(beside, file);
  await beside?.close();
  const whole = known.length > 0 ? { ...note, companion: companionNote(basename(file), known) } : note;
  await writeWhole(`${path}.json`, `${JSON.stringify(whole, null, 2)}\n`);
  return { model: path, note: `${path}.json`, ...(known.length > 0 ? { companion: file } : {}) };
}

/** The requested classes that the companion knows, with their columns in its outputs. */
function columnsOf(companion: Companion, labels: readonly string[], names: NameList | undefined) {
  return labels.flatMap((name) => {
    const column = companion.classOf(names?.spelledOut(name) ?? name);
    return column === undefined ? [] : [{ name, column }];
  });
}

/** The model's outputs for one prompt. The text features are computed now and become constants. */
async function answersOf(
  { model, weights }: StoredModel,
  pass: Pass,
  { height, width }: { height: number; width: number },
) {
  const predictor = new Predictor(model, weights);
  const { vectors, tokens } = await withLearnedVectors(pass, ({ ids }) => predictor.text(ids)).finally(() =>
    predictor.dispose(),
  );
  const text = constant(vectors, [1, tokens, model.textWidth]);
  const mask = constant(new Float32Array(tokens).fill(1), [1, tokens]);
  const levels = model.answer(model.image(input("image", [1, 3, height, width])), text, mask);
  const joined = (maps: readonly Tensor[], channels: number) =>
    concat(
      maps.map((map) => reshape(map, [1, channels, -1])),
      2,
    );
  const each = <Part extends "logits" | "offsets" | "centerness">(part: Part) => levels.map((level) => level[part]);
  return {
    logits: concat(each("logits"), 1),
    offsets: swapLast(joined(each("offsets"), 4)),
    centerness: reshape(joined(each("centerness"), 1), [1, -1]),
  };
}
