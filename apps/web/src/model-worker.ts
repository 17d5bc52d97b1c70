/** Runs the model in a worker thread of the page, so that the page stays responsive. */

import { expose } from "comlink";
import {
  type AdaptedPrompt,
  adaptedPromptBytes,
  type Detection,
  type GroundingModel,
  loadModel,
  type PagePicture,
  readAdaptedPrompt,
  type ScoreMap,
  type TaughtPicture,
  teach,
  useRuntime,
} from "../../../src/web.ts";

/** Where a model's files are: the address of their folder, or the files by their names. */
export type ModelPlace = string | Readonly<Record<string, Blob>>;

export interface Backend {
  device: "webgpu" | "wasm";
  threads: number;
}

/** What to find: names as a text, a caption whose phrases are found, or what was taught. */
export type Question = { names: string } | { caption: string } | "taught";

export interface Found extends Detection {
  /** Characters of the caption, if the question is one. */
  span?: readonly [number, number];
}

export interface Answer {
  found: Found[];
  remarks: string[];
  milliseconds: number;
}

/** Scores below this are never shown. */
const LEAST = 0.1;

let model: GroundingModel<PagePicture> | undefined;
let taught: AdaptedPrompt | undefined;
/** Work is done one piece after another: a session cannot run twice at once. */
let last: Promise<unknown> = Promise.resolve();

const worker = {
  /** Loads ONNX Runtime and a model, and disposes the one before. */
  load: (place: ModelPlace, runtime: string, progress: (received: number) => void) =>
    inTurn(async () => {
      const backend = await startRuntime(runtime);
      const before = model;
      const began = performance.now();
      const loaded = await loadModel(place, {
        received: (bytes) => progress(bytes),
        ...(backend.device === "webgpu" ? { device: "webgpu" as const } : {}),
      });
      model = loaded;
      taught = undefined;
      await before?.dispose();
      return { ...backend, milliseconds: performance.now() - began };
    }),

  find: (picture: ImageData, question: Question): Promise<Answer> =>
    inTurn(async () => {
      const began = performance.now();
      const options = { threshold: LEAST, textThreshold: LEAST / 2 };
      const [found, remarks] = await answer(picture, question, options);
      return { found, remarks, milliseconds: performance.now() - began };
    }),

  /** A map of scores for each name. */
  maps: (picture: ImageData, question: Question): Promise<ScoreMap[]> =>
    inTurn(async () => {
      if (question === "taught") return known().scoreMaps(picture, taughtPrompt());
      return known().scoreMaps(picture, "names" in question ? question.names : [question.caption]);
    }),

  teach: (pictures: TaughtPicture<ImageData>[], passed: (done: number, all: number) => void): Promise<string[]> =>
    inTurn(async () => {
      taught = await teach(known(), pictures, { passed: (done, all) => passed(done, all) });
      return labelsOf(taught);
    }),

  /** The bytes of the file with what was taught. */
  save: () => inTurn(async () => adaptedPromptBytes(taughtPrompt())),

  /** Reads such a file; returns its names. */
  open: (bytes: ArrayBuffer, name: string): Promise<string[]> =>
    inTurn(async () => {
      const read = await readAdaptedPrompt(bytes, name);
      // Refuses the prompt of another model.
      known().setClasses(read);
      taught = read;
      return labelsOf(read);
    }),
};

export type ModelWorker = typeof worker;
expose(worker);

async function answer(
  picture: ImageData,
  question: Question,
  options: { threshold: number; textThreshold: number },
): Promise<[Found[], string[]]> {
  const own = known();
  if (question === "taught") return [await own.detect(picture, taughtPrompt(), options), []];
  if ("names" in question) return [await own.detect(picture, question.names, options), own.remarks(question.names)];
  const found = await own.ground(picture, question.caption, options);
  return [found, own.captionRemarks(question.caption)];
}

function known(): GroundingModel<PagePicture> {
  if (!model) throw new Error("the model is not loaded yet");
  return model;
}

function taughtPrompt(): AdaptedPrompt {
  if (!taught) throw new Error("nothing was taught yet");
  return taught;
}

function labelsOf({ classes }: AdaptedPrompt): string[] {
  return classes.map((one) => (typeof one === "string" ? one : one.label));
}

function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const result = last.then(work, work);
  last = result.catch(() => {});
  return result;
}

let started: Promise<Backend> | undefined;

/** WebGPU if the browser has a real one and its files are there, else WebAssembly, with threads where the page is isolated. */
function startRuntime(folder: string): Promise<Backend> {
  started ??= (async () => {
    const forced = new URL(folder).searchParams.get("device");
    const files = new URL(".", folder).href;
    const threads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
    const wanted = forced === null ? await hasGpu() : forced === "webgpu";
    if (wanted && (await isThere(`${files}ort.webgpu.min.mjs`))) {
      await use(`${files}ort.webgpu.min.mjs`, files, threads);
      return { device: "webgpu", threads };
    }
    await use(`${files}ort.wasm.min.mjs`, files, threads);
    return { device: "wasm", threads };
  })();
  return started;
}

async function use(module: string, files: string, threads: number): Promise<void> {
  const runtime = await import(/* @vite-ignore */ module);
  runtime.env.wasm.wasmPaths = files;
  runtime.env.wasm.numThreads = threads;
  useRuntime(runtime);
}

async function isThere(address: string): Promise<boolean> {
  return fetch(address, { method: "HEAD" }).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function hasGpu(): Promise<boolean> {
  const { gpu } = navigator as {
    gpu?: { requestAdapter(): Promise<{ info?: { isFallbackAdapter?: boolean } } | null> };
  };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !adapter!.info?.isFallbackAdapter;
}
