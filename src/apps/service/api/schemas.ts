/** The requests and answers of the service. The routes, the OpenAPI document and the client are made from these schemas. */

import { z } from "zod";

/** The most names, phrases or texts of a request, and the most characters of each. */
export const MOST_NAMES = 2000;
const MOST_CHARACTERS = 10_000;

const text = z.string().min(1).max(MOST_CHARACTERS);
const names = z.array(text).min(1).max(MOST_NAMES);
const share = z.number().min(0).max(1);

const image = z
  .union([
    z.strictObject({ base64: z.string().min(1).describe("Bytes of a picture file; may start with data:…;base64,") }),
    z.strictObject({
      url: z.string().min(1).max(MOST_CHARACTERS).describe("http: or https:, if the service allows it"),
    }),
  ])
  .describe("A JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP");
const model = text.optional().describe("Name of a model (default: the first that can do it)");

const finding = {
  image,
  model,
  threshold: share.optional().describe("Minimum score of detections (default 0.5)"),
  textThreshold: share.optional().describe("Minimum score of the words alone (default 0.05)"),
  topK: z.int().min(1).max(10_000).optional().describe("Maximum number of detections (default 100)"),
  nms: share.optional().describe("Overlap above which the better of two boxes of a label is kept (default 0.6)"),
};
const wanted = {
  classes: names.optional().describe("Names to find; give these, or prompt, or adapted"),
  prompt: text.optional().describe('What to find, such as "person. traffic light."'),
  adapted: text.optional().describe("Name of an adapted prompt of the service"),
};
const ground = z.boolean().optional().describe("Find the phrases of the text, too");

function oneOfWanted({ classes, prompt, adapted }: { classes?: unknown; prompt?: unknown; adapted?: unknown }) {
  return [classes, prompt, adapted].filter((given) => given !== undefined).length === 1;
}
const ONE_OF_WANTED = "give one of classes, prompt and adapted";

const box = z.object({ xmin: z.number(), ymin: z.number(), xmax: z.number(), ymax: z.number() });
const detection = z.object({
  score: z.number(),
  label: z.string().describe("The words of the request"),
  box: box.describe("Pixels of the original picture"),
});
const mask = z.object({
  size: z.tuple([z.number(), z.number()]).describe("Height and width"),
  counts: z.string().describe("COCO's compressed run lengths"),
});
const phrase = detection.extend({
  span: z.tuple([z.number(), z.number()]).describe("Characters of the text, [start, end)"),
});
const seen = { width: z.int(), height: z.int() };
const remarks = z.array(z.string()).optional().describe("Words that the model does not know, and other remarks");
const phrases = z.array(phrase).optional();

/** A request and its answer, what they are for, and an example without the picture. */
export interface OperationSchema {
  readonly about: string;
  readonly request: z.ZodType;
  readonly answer: z.ZodType;
  readonly example: Readonly<Record<string, unknown>>;
}

/** The operations of the service, each at `/v1/NAME`. */
export const operations = {
  detect: {
    about: "Find things by name.",
    request: z.strictObject({ ...finding, ...wanted }).refine(oneOfWanted, ONE_OF_WANTED),
    answer: z.object({ detections: z.array(detection), ...seen, remarks }),
    example: { classes: ["cat", "cup"], threshold: 0.6 },
  },
  ground: {
    about: "Find what a caption mentions: its noun phrases, or the given phrases.",
    request: z.strictObject({ ...finding, caption: text, phrases: names.optional() }),
    answer: z.object({ detections: z.array(phrase), ...seen, remarks }),
    example: { caption: "a cat beside two cups" },
  },
  segment: {
    about: "Find things by name, with masks. Needs a GLIPv2 with a mask head.",
    request: z.strictObject({ ...finding, ...wanted }).refine(oneOfWanted, ONE_OF_WANTED),
    answer: z.object({ detections: z.array(detection.extend({ mask })), ...seen, remarks }),
    example: { prompt: "cat. cup." },
  },
  answer: {
    about: "Answer a question. Needs a GLIPv2 with an answer head.",
    request: z.strictObject({ image, model, question: text, ground }),
    answer: z.object({
      answer: z.string(),
      score: z.number(),
      answers: z.array(z.object({ answer: z.string(), score: z.number() })),
      phrases,
      ...seen,
    }),
    example: { question: "What is on the table?" },
  },
  describe: {
    about: "Describe the picture in a sentence. Needs a GLIPv2 with a caption head.",
    request: z.strictObject({
      image,
      model,
      beams: z.int().min(1).max(20).optional(),
      most: z.int().min(1).max(60).optional().describe("Maximum number of tokens"),
      ground,
    }),
    answer: z.object({ caption: z.string(), score: z.number(), phrases, ...seen }),
    example: {},
  },
  classify: {
    about: "Choose the name that fits the picture best. Needs a CLIP.",
    request: z.strictObject({
      image,
      model,
      labels: names.describe("Names to choose from"),
      templates: z
        .array(text)
        .min(1)
        .max(100)
        .optional()
        .describe('Prompt templates with {}; default "a photo of a {}."'),
      top: z.int().min(1).max(MOST_NAMES).optional().describe("Number of best names (default 5)"),
    }),
    answer: z.object({
      classes: z.array(z.object({ label: z.string(), score: z.number(), similarity: z.number() })),
      ...seen,
    }),
    example: { labels: ["cat", "dog"] },
  },
  embed: {
    about: "Unit vectors of a picture and of texts. Needs a CLIP.",
    request: z
      .strictObject({ image: image.optional(), model, texts: z.array(text).max(256).optional() })
      .refine(({ image, texts = [] }) => image !== undefined || texts.length > 0, "give image, texts or both"),
    answer: z.object({
      image: z.array(z.number()).optional(),
      texts: z.array(z.array(z.number())),
      width: z.int().optional(),
      height: z.int().optional(),
    }),
    example: { texts: ["two dogs on a beach"] },
  },
} as const satisfies Readonly<Record<string, OperationSchema>>;

/** Name of an operation, which is also the last part of its path. */
export type OperationName = keyof typeof operations;
/** The names of the operations. */
export const operationNames = Object.keys(operations) as OperationName[];
/** What an operation is asked, as JSON. */
export type RequestOf<Name extends OperationName> = z.input<(typeof operations)[Name]["request"]>;
/** What an operation answers, as JSON. */
export type AnswerOf<Name extends OperationName> = z.output<(typeof operations)[Name]["answer"]>;

/** The answer of `/v1/models`. */
export const modelsAnswer = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      operations: z.array(z.enum(operationNames)),
      adapted: z.array(z.string()).describe("Adapted prompts that fit the model"),
    }),
  ),
});

/** The answer to a request that is refused or fails. */
export const errorAnswer = z.object({
  error: z.string().describe("What is wrong, and how to fix it"),
  request: z.string().describe("The request's id, as in the header x-request-id and in the log"),
});
