/** Reads Hugging Face's `CLIPModel` with OpenAI's names: the same tensors, renamed, and some transposed or split in three. */

import { concatenate } from "../../boxes/atss.ts";
import { WeightsError } from "../../errors.ts";
import type { StoredArray } from "../../weights/dtype.ts";
import { fromFloat32 } from "../../weights/float-conversion.ts";
import type { WeightsEntry, WeightsFile } from "../../weights/weights-file.ts";
import type { ClipConfig } from "./clip.ts";

/** The values of config.json that shapes do not determine; missing numbers have the library's defaults. */
interface PartFile {
  readonly num_attention_heads?: number | undefined;
  readonly hidden_act: string;
}
/** The content of the config.json of a `CLIPModel`. */
export interface ClipModelFile {
  readonly text_config?: PartFile | null | undefined;
  readonly vision_config?: PartFile | null | undefined;
}

const DEFAULT_HEADS = { text: 8, image: 12 };
const ACTIVATIONS: ReadonlyMap<string, "quickGelu" | "gelu"> = new Map([
  ["quick_gelu", "quickGelu"],
  ["gelu", "gelu"],
]);

/** The configuration inferred from shapes, with heads and activations from a `CLIPModel`'s config.json. */
export function withClipModel(config: ClipConfig, file: ClipModelFile, source: string): ClipConfig {
  const part = (said: PartFile | null | undefined, heads: number) => {
    const name = said?.hidden_act ?? "quick_gelu";
    const activation = ACTIVATIONS.get(name);
    if (!activation)
      throw new WeightsError(`${source}: unknown activation ${name}; known are ${[...ACTIVATIONS.keys()].join(", ")}`);
    return { heads: said?.num_attention_heads ?? heads, activation };
  };
  const image = { ...config.image, ...part(file.vision_config, DEFAULT_HEADS.image) } as ClipConfig["image"];
  return { ...config, image, text: { ...config.text, ...part(file.text_config, DEFAULT_HEADS.text) } };
}

/** Whether tensors of these names are a `CLIPModel`'s. */
export function isHuggingFaceClip(entries: ReadonlyMap<string, unknown>): boolean {
  return entries.has("text_model.final_layer_norm.weight") && entries.has("visual_projection.weight");
}

const WHOLE: ReadonlyMap<string, string> = new Map([
  ["text_model.embeddings.token_embedding.weight", "token_embedding.weight"],
  ["text_model.embeddings.position_embedding.weight", "positional_embedding"],
  ["vision_model.embeddings.class_embedding", "visual.class_embedding"],
  ["vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"],
  ["vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"],
]);
/** Weights that are transposed in OpenAI's files. */
const TURNED: ReadonlyMap<string, string> = new Map([
  ["text_projection.weight", "text_projection"],
  ["visual_projection.weight", "visual.proj"],
]);
const WORDS: readonly (readonly [theirs: RegExp, ours: string])[] = [
  [/^text_model\.encoder\.layers\./, "transformer.resblocks."],
  [/^vision_model\.encoder\.layers\./, "visual.transformer.resblocks."],
  [/^text_model\.final_layer_norm\./, "ln_final."],
  // The misspelling is the published one.
  [/^vision_model\.pre_layrnorm\./, "visual.ln_pre."],
  [/^vision_model\.post_layernorm\./, "visual.ln_post."],
  [/\.self_attn\.out_proj\./, ".attn.out_proj."],
  [/\.layer_norm(\d)\./, ".ln_$1."],
  [/\.mlp\.fc1\./, ".mlp.c_fc."],
  [/\.mlp\.fc2\./, ".mlp.c_proj."],
];
/** Tables computed from sizes. */
const DROPPED = /position_ids$/;
const PACKED = /\.self_attn\.([qkv])_proj\.(weight|bias)$/;

/** One of OpenAI's tensors, and its parts in the file. */
interface Origin {
  readonly parts: readonly string[];
  readonly turned: boolean;
}

/** Presents the file with OpenAI's names; unknown tensors keep their names. Closing it closes the file. */
export function withOpenAiNames(file: WeightsFile): WeightsFile {
  const origins = originsOf(file);
  const entries = new Map<string, WeightsEntry>();
  for (const [name, { parts, turned }] of origins) {
    const found = parts.map((part) => file.entries.get(part)!);
    const [first] = found as [WeightsEntry];
    const shape = turned
      ? first.shape.toReversed()
      : [found.reduce((rows, { shape: [size] }) => rows + (size ?? 1), 0), ...first.shape.slice(1)];
    const bytes = found.reduce((sum, entry) => sum + entry.bytes, 0);
    entries.set(name, { name, dtype: first.dtype, shape: parts.length > 1 || turned ? shape : first.shape, bytes });
  }
  const originOf = (name: string): Origin => {
    const origin = origins.get(name);
    if (!origin) throw new WeightsError(`${file.path}: holds no tensor named ${name}`);
    return origin;
  };
  const read = async (name: string): Promise<StoredArray> => {
    const { dtype } = entries.get(name) ?? { dtype: "F32" };
    const { parts, turned } = originOf(name);
    if (parts.length === 1 && !turned) return file.read(parts[0]!);
    const numbers = await readFloat32(name);
    return dtype === "F16" || dtype === "BF16" ? fromFloat32(dtype, numbers) : numbers;
  };
  const readFloat32 = async (name: string): Promise<Float32Array> => {
    const { parts, turned } = originOf(name);
    const found: Float32Array[] = [];
    for (const part of parts) found.push(await file.readFloat32(part));
    if (turned) return transposedCopy(found[0]!, file.entries.get(parts[0]!)!.shape);
    return found.length === 1 ? found[0]! : concatenate(found);
  };
  return {
    path: file.path,
    entries,
    names: [...entries.keys()],
    metadata: file.metadata,
    read,
    readFloat32,
    inFile: (name) => {
      const { parts, turned } = originOf(name);
      return parts.length === 1 && !turned ? file.inFile(parts[0]!) : undefined;
    },
    readPieces: async function* (name) {
      yield await read(name);
    },
    close: () => file.close(),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

function originsOf(file: WeightsFile): Map<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const name of file.names) {
    if (DROPPED.test(name)) continue;
    const turned = TURNED.has(name);
    const packed = PACKED.exec(name);
    if (packed) {
      const [, part, kind] = packed as unknown as [string, string, string];
      if (part !== "q") continue;
      const parts = ["q", "k", "v"].map((letter) => name.replace(PACKED, `.self_attn.${letter}_proj.${kind}`));
      const missing = parts.filter((one) => !file.entries.has(one));
      if (missing.length) throw new WeightsError(`${file.path}: misses ${missing.join(", ")} beside ${name}`);
      origins.set(`${renamed(name.slice(0, packed.index))}.attn.in_proj_${kind}`, { parts, turned: false });
    } else origins.set(TURNED.get(name) ?? WHOLE.get(name) ?? renamed(name), { parts: [name], turned });
  }
  return origins;
}

function renamed(name: string): string {
  return WORDS.reduce((word, [theirs, ours]) => word.replace(theirs, ours), name);
}

/** [rows, columns] as [columns, rows]. */
function transposedCopy(numbers: Float32Array, [rows, columns]: readonly number[]): Float32Array {
  const result = new Float32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) result[(i % columns!) * rows! + Math.floor(i / columns!)] = numbers[i]!;
  return result;
}
