/** What is fuzzed of models besides their weights: CLIP's folders and archives, adapted prompts and adapters, checkpoints of training. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WordPieces } from "../../src/inputs/words/word-pieces.ts";
import { readCheckpoint, readCheckpointState, writeCheckpoint } from "../../src/learning/checkpoint.ts";
import { clip } from "../../src/models/clip/clip.ts";
import { clipPresets } from "../../src/models/clip/clip-presets.ts";
import { inferRegionClipConfig, regionClipExtras } from "../../src/models/region-clip/infer-region-clip-config.ts";
import { regionClip } from "../../src/models/region-clip/region-clip.ts";
import { checkedRegionClipSizes } from "../../src/models/region-clip/region-clip-sizes.ts";
import { readClip } from "../../src/tasks/classifying/clip-folder.ts";
import { readAdapted } from "../../src/tasks/finding/adapted-file.ts";
import { promptOfAdapted } from "../../src/tasks/finding/adapted-prompt.ts";
import { writeAdaptedPrompt } from "../../src/tasks/finding/adapted-prompt-file.ts";
import { withAdapters, writeAdapters } from "../../src/tasks/finding/adapters.ts";
import { checkFit } from "../../src/weights/fit.ts";
import { bytes, pickle, scriptModule, tensor, text, zip } from "../../src/weights/fixtures/hand-made.ts";
import { openWeights } from "../../src/weights/open-weights.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import type { Subject } from "./subjects.ts";

const json = (value: unknown) => Buffer.from(`${JSON.stringify(value)}\n`);
const TEXT = "a photo of two naïve dogs, &amp; a cat's 3 toys";

/** Sizes as small as they can be, with the vocabulary of the 256 bytes and two merges. */
const tinyClip = {
  embedding: 4,
  image: { ...clipPresets["nano-vit"].image, width: 4, layers: 1, heads: 1, hidden: 4, patch: 8, resolution: 16 },
  text: { ...clipPresets["nano-vit"].text, width: 4, layers: 1, heads: 1, hidden: 4, vocabulary: 516, context: 8 },
} as const;

function tensorsOf(model: { parameters: readonly { name: string; shape: readonly number[] }[] }) {
  return model.parameters.map(({ name, shape }) => ({
    ...{ name, dtype: "F32" as const, shape },
    data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5),
  }));
}

/** A folder of a `CLIPModel`'s configuration and merges, with weights under OpenAI's names. */
async function clipFolder(scratch: string): Promise<Subject> {
  const path = join(scratch, "clip.safetensors");
  await writeSafetensors(path, tensorsOf(clip(tinyClip)));
  const part = { num_attention_heads: 1, hidden_act: "quick_gelu" };
  return {
    files: new Map([
      ["config.json", json({ model_type: "clip", text_config: part, vision_config: part })],
      ["preprocessor_config.json", json({ crop_size: { height: 16, width: 16 }, image_std: [0.2, 0.3, 0.2] })],
      ["merges.txt", Buffer.from("#version: 0.2\no f</w>\nd o\n")],
      ["model.safetensors", readFileSync(path)],
    ]),
    changed: ["config.json", "preprocessor_config.json", "merges.txt", "model.safetensors"],
    read: async (folder) => {
      const { words, config } = await readClip(folder);
      words.decode(words.encode(TEXT).ids);
      words.rows([TEXT], { length: config.text.context, long: "end" });
    },
  };
}

/** Numbers in the one storage of the archive, more than any tensor has. */
const NUMBERS = 4096;

/** OpenAI's form: modules within modules. The pickle is changed before it is put into the archive, whose checksums are right. */
function clipArchive(): Subject {
  const names = tensorsOf(clip(tinyClip)).map(({ name, shape }) => {
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
    return { path: name.split("."), value: tensor({ key: "0", count: NUMBERS, shape: [...shape], strides }) };
  });
  const moduleOf = (prefix: readonly string[]): Uint8Array => {
    const depth = prefix.length;
    const within = names.filter(({ path }) => prefix.every((name, i) => path[i] === name));
    const heads = [...new Set(within.map(({ path }) => path[depth]!))];
    const state = heads.flatMap((head) => {
      const leaf = within.find(({ path }) => path.length === depth + 1 && path[depth] === head);
      return [text(head), leaf ? leaf.value : moduleOf([...prefix, head])];
    });
    return scriptModule("}(", ...state, "u");
  };
  return {
    files: new Map([["data.pkl", pickle(moduleOf([]))]]),
    changed: ["data.pkl"],
    read: async (folder) => {
      const path = join(folder, "clip.pt");
      const members: [string, Uint8Array][] = [
        ["a/data.pkl", readFileSync(join(folder, "data.pkl"))],
        ["a/constants.pkl", pickle(bytes(")"))],
        ["a/data/0", new Uint8Array(4 * NUMBERS)],
      ];
      writeFileSync(path, zip(members));
      await readClip(path);
    },
  };
}

const base = { name: "model", digest: "0123456789abcdef" };
const adaptedWeights = new Map([["layer.weight", new Float32Array(24)]]);

/** Prompts and adapters. */
async function adapted(scratch: string): Promise<Subject> {
  const files = new Map<string, Buffer>();
  const add = async (name: string, write: (path: string) => Promise<void>) => {
    await write(join(scratch, name));
    files.set(name, readFileSync(join(scratch, name)));
  };
  const classes = ["cat", { label: "dog", prefix: "a", name: "dog", suffix: "here" }];
  await add("prompt.safetensors", (path) =>
    writeAdaptedPrompt(path, { classes, vectors: new Float32Array(8 * 4), tokens: 8, inPlace: false, base }),
  );
  const adapters = new Map([
    ["layer.lora_A.weight", new Float32Array(2 * 6)],
    ["layer.lora_B.weight", new Float32Array(4 * 2)],
  ]);
  await add("adapters.safetensors", (path) =>
    writeAdapters(path, adapters, { base: { name: "model", weights: adaptedWeights }, classes: ["cat"] }),
  );
  const pieces = WordPieces.parse("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncat\na\ndog\nhere\n.");
  return {
    files,
    changed: [...files.keys()],
    read: async (folder) => {
      for (const name of files.keys()) {
        const { prompt, adapters: found } = await readAdapted(join(folder, name));
        if (prompt) promptOfAdapted({ pieces, model: { maxTokens: 32, textWidth: 4 }, digest: base.digest }, prompt);
        if (found) withAdapters(adaptedWeights, found);
      }
    },
  };
}

/** A RegionCLIP without numbers: only what its names and shapes say. */
async function regionClipFile(scratch: string): Promise<Subject> {
  const config = { embedding: 4, recogniser: { blocks: [1, 1, 1, 1], width: 2, side: 2 }, boxOutputs: 4 } as const;
  const path = join(scratch, "region.safetensors");
  await writeSafetensors(path, tensorsOf(regionClip(config)));
  return {
    files: new Map([["region.safetensors", readFileSync(path)]]),
    changed: ["region.safetensors"],
    read: async (folder) => {
      const file = await openWeights(join(folder, "region.safetensors"));
      try {
        const { parameters } = regionClip(
          checkedRegionClipSizes(inferRegionClipConfig(file.entries, file.path), file.path),
        );
        checkFit(parameters, file, { mayBeUnused: regionClipExtras });
      } finally {
        await file.close();
      }
    },
  };
}

async function checkpoints(scratch: string): Promise<Subject> {
  const path = join(scratch, "last.safetensors");
  const weights = new Map([["layer.weight", new Float32Array(6)]]);
  await writeCheckpoint(path, { weights, optimizer: { steps: 3, first: new Float32Array(6) }, state: { step: 3 } });
  return {
    files: new Map([["last.safetensors", readFileSync(path)]]),
    changed: ["last.safetensors"],
    read: async (folder) => {
      await readCheckpointState(join(folder, "last.safetensors"));
      await readCheckpoint(join(folder, "last.safetensors"));
    },
  };
}

/** The subjects of models by name; `scratch` is an empty folder for what must be made. */
export async function modelSubjects(scratch: string): Promise<Record<string, Subject>> {
  return {
    clip: await clipFolder(scratch),
    "clip-archive": clipArchive(),
    regionclip: await regionClipFile(scratch),
    adapted: await adapted(scratch),
    checkpoint: await checkpoints(scratch),
  };
}
