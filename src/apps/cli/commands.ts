/** The commands of `groundling`, each with a line of help and the module to load. `groundling --help` loads nothing else. */

import type { Command } from "commander";

export interface CommandEntry {
  /** One line of help. */
  readonly about: string;
  /** Loads the code that adds the command, with its options, to a program. */
  readonly load: () => Promise<(program: Command) => void>;
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  detect: {
    about: "Find things in pictures by name.",
    load: async () => (await import("./detect.ts")).addDetectCommand,
  },
  ground: {
    about: "Find what a caption mentions: its noun phrases, or the phrases you give.",
    load: async () => (await import("./ground.ts")).addGroundCommand,
  },
  segment: {
    about: "Find things in pictures by name, with a mask for each (GLIPv2).",
    load: async () => (await import("./segment.ts")).addSegmentCommand,
  },
  answer: {
    about: "Answer questions about pictures (GLIPv2).",
    load: async () => (await import("./answer.ts")).addAnswerCommand,
  },
  describe: {
    about: "Describe pictures in a sentence (GLIPv2).",
    load: async () => (await import("./describe.ts")).addDescribeCommand,
  },
  track: {
    about: "Follow things through a video by name.",
    load: async () => (await import("./track.ts")).addTrackCommand,
  },
  classify: {
    about: "Choose the name that fits each picture best.",
    load: async () => (await import("./classify.ts")).addClassifyCommand,
  },
  embed: {
    about: "Write pictures and texts as unit vectors. Their dot products are similarities.",
    load: async () => (await import("./embed.ts")).addEmbedCommand,
  },
  index: {
    about: "Make the pictures of a folder searchable by words.",
    load: async () => (await import("./index-pictures.ts")).addIndexCommand,
  },
  search: {
    about: "Find pictures of an index by words, or by another picture.",
    load: async () => (await import("./search.ts")).addSearchCommand,
  },
  regions: {
    about: "Write the regions of pictures with their vectors, and their scores for names.",
    load: async () => (await import("./regions.ts")).addRegionsCommand,
  },
  concepts: {
    about: "Count the nouns of captions, as a pool of concepts for RegionCLIP.",
    load: async () => (await import("./concepts.ts")).addConceptsCommand,
  },
  page: {
    about: "Serve a page that finds things in your pictures in the browser, and learns names from boxes you draw.",
    load: async () => (await import("./page.ts")).addPageCommand,
  },
  train: {
    about: "Train a model from a recipe. Ctrl-C saves; --resume continues with the same bits.",
    load: async () => (await import("./train.ts")).addTrainCommand,
  },
  adapt: {
    about: "Adapt a model to your dataset (COCO, Pascal VOC, YOLO and others).",
    load: async () => (await import("./adapt.ts")).addAdaptCommand,
  },
  eval: {
    about: "Score a model or its detections by the rules of COCO, LVIS, Flickr30k Entities or ODinW.",
    load: async () => (await import("./eval.ts")).addEvalCommand,
  },
  "pseudo-label": {
    about:
      "Make training data: find the phrases of captions in their pictures. Reads WebDataset tars, lists (.jsonl, .tsv, .parquet) and folders.",
    load: async () => (await import("./pseudo-label.ts")).addPseudoLabelCommand,
  },
  jobs: {
    about: "Show a labelling job's progress and its failed shards.",
    load: async () => (await import("./jobs.ts")).addJobsCommand,
  },
  data: {
    about: "Check and convert datasets.",
    load: async () => (await import("./data.ts")).addDataCommand,
  },
  browse: {
    about: "Show a dataset as a web page (.html) or a contact sheet (.png).",
    load: async () => (await import("./browse.ts")).addBrowseCommand,
  },
  scenes: {
    about:
      "Generate a dataset of drawn scenes with exact boxes and captions. To continue after an interruption, run it again.",
    load: async () => (await import("./scenes.ts")).addScenesCommand,
  },
  serve: {
    about: "Answer requests over HTTP.",
    load: async () => (await import("./serve.ts")).addServeCommand,
  },
  doctor: {
    about: "Show what this machine has (devices, memory, programs), and what to install.",
    load: async () => (await import("./doctor.ts")).addDoctorCommand,
  },
  models: {
    about: "List the models available by name. Those on the Hugging Face hub are downloaded at first use.",
    load: async () => (await import("./models.ts")).addModelsCommand,
  },
  convert: {
    about: "Convert a published checkpoint (.pth or safetensors) to a model folder.",
    load: async () => (await import("./convert.ts")).addConvertCommand,
  },
  export: {
    about: "Write an ONNX file of a model for one picture size and one list of classes.",
    load: async () => (await import("./export.ts")).addExportCommand,
  },
  inspect: {
    about: "Write all intermediate tensors of a run, to compare with another implementation.",
    load: async () => (await import("./inspect.ts")).addInspectCommand,
  },
};

const WIDTH = 80;
const COLUMN = 16;

/** What `groundling --help` prints. */
export function helpText(): string {
  const line = (name: string, about: string) => `  ${name.padEnd(COLUMN - 2)}${wrapped(about)}\n`;
  return [
    "Usage: groundling COMMAND [options]\n\nFind things in pictures by words.\n\nCommands:\n",
    ...Object.entries(commands).map(([name, { about }]) => line(name, about)),
    "\nOptions:\n",
    line("-V, --version", "Print the version."),
    line("-h, --help", "Print this help."),
    "\ngroundling COMMAND --help lists the options of a command.\n",
  ].join("");
}

function wrapped(text: string): string {
  let width = COLUMN;
  let result = "";
  for (const word of text.split(" ")) {
    if (width > COLUMN && width + 1 + word.length > WIDTH) {
      result += `\n${" ".repeat(COLUMN)}`;
      width = COLUMN;
    } else if (width > COLUMN) {
      result += " ";
      width++;
    }
    result += word;
    width += word.length;
  }
  return result;
}
