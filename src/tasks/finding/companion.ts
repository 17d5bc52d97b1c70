/** The companion: a detector of fixed classes that adds detections of the names it knows to a GLIP's, which treats classes as words (GLIP, section 3.1). */

import { type Detections, type LevelOutputs, type SelectOptions, selectDetections } from "../../boxes/select.ts";
import { WeightsError } from "../../errors.ts";
import type { PreparedImage } from "../../inputs/pictures/prepare-image.ts";
import type { Size } from "../../inputs/pictures/resize.ts";
import { NameList, type StoredNames } from "../../inputs/words/name-list.ts";
import { plainNames } from "../../inputs/words/plain-names.ts";
import { type CocoSsd, cocoSsd, SSD_SIDE, ssdAnchors, ssdMirror, ssdPictures } from "../../models/coco-ssd/coco-ssd.ts";
import {
  type BackendOptions,
  type Lowered,
  lower,
  type MakeRunner,
  SessionCache,
  type TraceRunner,
} from "../../onnx/index.ts";
import { input } from "../../tensor/index.ts";
import { checkFit, loadWeights } from "../../weights/fit.ts";
import { jsonIn } from "../../weights/strict-json.ts";
import type { WeightsFile } from "../../weights/weights-file.ts";
import type { SecondDetector } from "./second-detector.ts";

/** The companion's parts, as stored in a model folder. */
export interface StoredCompanion {
  model: CocoSsd;
  /** Reads its weights, once, before `close`: a model that is asked for none of its classes does not need them. */
  weights(): Promise<ReadonlyMap<string, Float32Array>>;
  /** The names of each class, in lower case and singular. */
  classes: readonly (readonly string[])[];
  /** Closes its file, which is open until the weights are read. */
  close(): Promise<void>;
}

/**
 * An SSD has no centerness, so its boxes get this logit, a probability of 0.88. With a probability of 1, the companion's uncertain
 * detections would come before all detections of a GLIP, because its scores would be higher.
 */
export const COMPANION_CENTERNESS = 2;

/** Lists of names, none empty. Checked without zod, which takes longer to load than a companion. */
const classesSchema = {
  parse(value: unknown): string[][] {
    const isList = (one: unknown): one is unknown[] => Array.isArray(one) && one.length > 0;
    const isName = (one: unknown) => typeof one === "string" && one !== "";
    if (isList(value) && value.every((names) => isList(names) && names.every(isName))) return value as string[][];
    throw new TypeError("not lists of names");
  },
};

/**
 * Reads a COCO-SSD from an open file, which `close` closes. Its metadata has the class names; `words` has synonyms, by the first name of a class.
 * Throws WeightsError for another file.
 */
export async function companionIn(
  file: WeightsFile,
  words: Readonly<Record<string, readonly string[]>> = {},
): Promise<StoredCompanion> {
  try {
    const classes = jsonIn(file.metadata, "classes", classesSchema);
    if (!classes)
      throw new WeightsError(`${file.path}: has no class names; create it again with scripts/import-coco-ssd.ts`);
    const model = cocoSsd(classes.length);
    checkFit(model.parameters, file);
    let weights: Promise<ReadonlyMap<string, Float32Array>> | undefined;
    return {
      model,
      weights: () => (weights ??= loadWeights(model.parameters, file).finally(() => file.close())),
      classes: classes.map((names) => [...names, ...(words[names[0]!] ?? [])]),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What a `GroundingModel` gets of its companion and its names, each if there is one. */
export function companionAndNames(
  stored: StoredCompanion | undefined,
  names: StoredNames | undefined,
  options: BackendOptions & { runner?: MakeRunner },
): { companion?: Companion; names?: NameList } {
  return {
    ...(stored ? { companion: new Companion(stored, options) } : {}),
    ...(names ? { names: new NameList(stored ? names : { ...names, photos: {} }, stored?.classes) } : {}),
  };
}

/** A companion with its session. Dispose it when done. */
export class Companion implements SecondDetector {
  readonly preparation = ssdPictures;
  private readonly sessions: TraceRunner;
  private lowered: Lowered | undefined;
  private readonly numbers: ReadonlyMap<string, number>;

  constructor(
    private readonly stored: StoredCompanion,
    { runner = (backend) => new SessionCache(backend), ...options }: BackendOptions & { runner?: MakeRunner } = {},
  ) {
    this.sessions = runner(options);
    this.numbers = new Map(stored.classes.flatMap((names, k) => names.map((name) => [name, k] as const)));
  }

  /** The index of the class for a name or a phrase such as "two dogs", if there is exactly one. */
  classOf(label: string): number | undefined {
    return plainNames(label)
      .map((name) => this.numbers.get(name))
      .find((number) => number !== undefined);
  }

  /**
   * Its outputs for a picture prepared for it, for all classes; boxes are in pixels of a picture of `width` × `height`. The outputs are the
   * mean over the picture and its mirror image, which reduces false positives.
   */
  async look({ tensor: square }: Pick<PreparedImage, "tensor">, { width, height }: Size): Promise<LevelOutputs> {
    const [seen, other] = [await this.answer(square), await this.answer(mirrored(square))];
    const anchors = ssdAnchors(height, width);
    const count = anchors.length / 4;
    const classes = seen.logits.length / count;
    const logits = new Float32Array(seen.logits.length);
    const offsets = new Float32Array(seen.offsets.length);
    ssdMirror().forEach((opposite, anchor) => {
      for (let k = 0; k < classes; k++)
        logits[anchor * classes + k] = (seen.logits[anchor * classes + k]! + other.logits[opposite * classes + k]!) / 2;
      for (let side = 0; side < 4; side++) {
        const turned = other.offsets[side * count + opposite]! * (side === 0 ? -1 : 1);
        offsets[side * count + anchor] = (seen.offsets[side * count + anchor]! + turned) / 2;
      }
    });
    return { logits, offsets, centerness: new Float32Array(count).fill(COMPANION_CENTERNESS), anchors };
  }

  /** Detections of the labels it knows; label indices refer to the given list. */
  select(seen: LevelOutputs, labels: readonly string[], options: Omit<SelectOptions, "labelTokens">): Detections {
    const labelTokens = labels.map((label) => this.classOf(label)).map((known) => (known === undefined ? [] : [known]));
    return selectDetections([seen], { ...options, labelTokens });
  }

  async dispose(): Promise<void> {
    await this.sessions.dispose();
    await this.stored.close();
  }

  /** The same as `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async answer(square: Float32Array): Promise<{ logits: Float32Array; offsets: Float32Array }> {
    const { logits, offsets } = await this.sessions.run(await this.trace(), { square });
    return { logits: logits as Float32Array, offsets: offsets as Float32Array };
  }

  private async trace(): Promise<Lowered> {
    if (this.lowered) return this.lowered;
    const weights = await this.stored.weights();
    this.lowered ??= lower(
      { ...this.stored.model.answer(input("square", [1, 3, SSD_SIDE, SSD_SIDE])) },
      { baked: (name) => weights.get(name) },
    );
    return this.lowered;
  }
}

/** The mirror image of the square. */
function mirrored(square: Float32Array): Float32Array {
  const turned = square.slice();
  for (let row = 0; row < turned.length; row += SSD_SIDE) turned.subarray(row, row + SSD_SIDE).reverse();
  return turned;
}
