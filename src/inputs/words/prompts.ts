/** Converts class names or a caption to captions for the language model, and its tokens back to names. */
import { InputError } from "../../errors.ts";
import { phraseSpans, quote, tokenPositions } from "./spans.ts";
import type { Span, WordPieces } from "./word-pieces.ts";

/** A class with the words around its name. A plain string is a class with a cleaned name and no other words. */
export interface ClassPrompt {
  /** Label of the detections. */
  readonly label: string;
  readonly prefix?: string;
  /** Words in the caption; default: the cleaned label. */
  readonly name?: string;
  readonly suffix?: string;
}

/** One caption for the model, with its classes or phrases. */
export interface Pass {
  readonly caption: string;
  /** Token ids of the caption, at most as many as the model accepts. */
  readonly ids: Int32Array;
  /** For each class of this pass, its index in `labels`. */
  readonly classes: readonly number[];
  /** For each class of this pass, the positions of its tokens. */
  readonly labelTokens: readonly (readonly number[])[];
  /** Learned vectors [tokens, d] that are added to the vectors of the caption's words, or replace them. */
  readonly learned?: { readonly vectors: Float32Array; readonly inPlace: boolean };
}

export interface Prompt {
  /** The names as the user wrote them, each once. */
  readonly labels: readonly string[];
  /** More than one if the names do not fit into one caption. */
  readonly passes: readonly Pass[];
}

export interface PromptOptions {
  /** Maximum number of tokens, including [CLS] and [SEP]. */
  readonly maxTokens?: number;
  /** Maximum number of classes in a pass, for evaluation in chunks. */
  readonly classesPerPass?: number;
}

/** Label of a class. */
export function labelsOf(classes: readonly (string | ClassPrompt)[]): string[] {
  return classes.map((given) => (typeof given === "string" ? given : given.label));
}

/** Class names, with other words for some of them, by label. */
export function classesInWords(names: readonly string[], captions: readonly ClassPrompt[]): (string | ClassPrompt)[] {
  const known = new Map(captions.map((one) => [one.label, one]));
  return names.map((name) => known.get(name) ?? name);
}

/** Separates the names in a caption; none follows the last. */
const SEPARATOR = ". ";
const MAX_TOKENS = 256;
/** [CLS] and [SEP]. */
const SPECIAL_TOKENS = 2;

/** Names in a prompt such as "person. traffic light." (points within numbers do not separate names). Throws InputError if there are none. */
export function namesInPrompt(prompt: string): string[] {
  const names = prompt.split(/(?<!\d)\.|\.(?!\d)|\n/).map((name) => name.trim());
  const found = [...new Set(names.filter((name) => name !== ""))];
  if (found.length === 0)
    throw new InputError(`the prompt ${quote(prompt)} has no names; write for example "person. bicycle."`);
  return found;
}

/** A category name as in GLIP's captions: without brackets and underscores. Source: GLIP `engine/inference.py`, clean_name. */
export function cleanName(name: string): string {
  return name
    .replace(/\(.*\)/g, "")
    .replace(/_/g, " ")
    .replace(/ {2}/g, " ");
}

/** The caption for classes, and the span of each name in it. */
export function captionOfClasses(classes: readonly (string | ClassPrompt)[]): { caption: string; spans: Span[] } {
  let caption = "";
  const spans = classes.map((given, k): Span => {
    const { prefix, name, suffix } = completed(given);
    if (k > 0) caption += SEPARATOR;
    caption += prefix;
    const start = caption.length;
    caption += name + suffix;
    return [start, start + name.length];
  });
  return { caption, spans };
}

/**
 * Makes the captions for classes: one, or several if the tokens of all names are more than the model reads.
 * Throws InputError that lists the names without any token and those too long for one caption.
 */
export function promptOfClasses(
  pieces: WordPieces,
  given: readonly (string | ClassPrompt)[],
  { maxTokens = MAX_TOKENS, classesPerPass = Infinity }: PromptOptions = {},
): Prompt {
  const classes = [...new Map(given.map(completed).map((one) => [JSON.stringify(one), one])).values()];
  const counts = tokenCounts(pieces, classes, maxTokens - SPECIAL_TOKENS);
  const labels = [...new Set(classes.map(({ label }) => label))];
  const indexOf = new Map(labels.map((label, k) => [label, k]));
  const passes: Pass[] = [];
  let chosen: Required<ClassPrompt>[] = [];
  let used = SPECIAL_TOKENS;
  const close = () => {
    const { caption, spans } = captionOfClasses(chosen);
    const encoding = pieces.encode(caption);
    const labelTokens = spans.map((span) => tokenPositions(encoding, span));
    passes.push({ caption, ids: encoding.ids, classes: chosen.map(({ label }) => indexOf.get(label)!), labelTokens });
    chosen = [];
    used = SPECIAL_TOKENS;
  };
  classes.forEach((one, k) => {
    // The separator is one token: its point.
    if (chosen.length > 0 && (used + 1 + counts[k]! > maxTokens || chosen.length >= classesPerPass)) close();
    used += counts[k]! + (chosen.length > 0 ? 1 : 0);
    chosen.push(one);
  });
  close();
  return { labels, passes };
}

/**
 * Makes the prompt for phrases of a free caption, given as words in it or as characters `[start, end)` of it.
 * Labels are the phrases as written in the caption; a phrase that occurs twice gives two labels.
 * Throws InputError when the caption is too long for the model, and one that lists phrases not in it or without any token.
 */
export function promptOfCaption(
  pieces: WordPieces,
  caption: string,
  phrases: readonly (string | Span)[],
  { maxTokens = MAX_TOKENS }: Pick<PromptOptions, "maxTokens"> = {},
): Prompt & { readonly spans: readonly Span[] } {
  if (phrases.length === 0) throw new InputError(`there is no phrase to find in the caption ${quote(caption)}`);
  const encoding = pieces.encode(caption);
  const count = encoding.ids.length;
  if (count > maxTokens)
    throw new InputError(
      `the caption ${quote(caption)} has ${count} tokens; the model reads ${maxTokens}: shorten or split it`,
    );
  const found = phraseSpans(
    caption,
    phrases.filter((phrase) => typeof phrase === "string"),
  );
  const spans = phrases.map((phrase) => (typeof phrase === "string" ? found.shift()! : phrase));
  const labelTokens = spans.map((span) => tokenPositions(encoding, span));
  const outside = spans.filter((_, k) => labelTokens[k]!.length === 0);
  if (outside.length) {
    const named = outside.map(([start, end]) => `[${start}, ${end}) ${quote(caption.slice(start, end))}`);
    throw new InputError(`the caption ${quote(caption)} has no word at ${named.join(", ")}`);
  }
  const pass = { caption, ids: encoding.ids, classes: [...spans.keys()], labelTokens };
  return { labels: spans.map(([start, end]) => caption.slice(start, end)), passes: [pass], spans };
}

function completed(given: string | ClassPrompt): Required<ClassPrompt> {
  const {
    label,
    prefix = "",
    name = cleanName(label),
    suffix = "",
  } = typeof given === "string" ? { label: given } : given;
  return { label, prefix, name, suffix };
}

/** Tokens of each class alone. A point and a space always separate words, so these add up in a caption. */
function tokenCounts(pieces: WordPieces, classes: readonly Required<ClassPrompt>[], most: number): number[] {
  if (classes.length === 0) throw new InputError("there are no class names; give at least one");
  const encodings = classes.map((one) => {
    const { caption, spans } = captionOfClasses([one]);
    const encoding = pieces.encode(caption);
    return { count: encoding.ids.length - SPECIAL_TOKENS, named: tokenPositions(encoding, spans[0]!).length > 0 };
  });
  const listed = (wrong: (k: number) => boolean) => classes.filter((_, k) => wrong(k)).map(({ label }) => quote(label));
  const nameless = listed((k) => !encodings[k]!.named);
  const long = listed((k) => encodings[k]!.count > most);
  const problems = [
    ...(nameless.length ? [`without words: ${nameless.join(", ")}`] : []),
    ...(long.length ? [`${long.join(", ")} alone has more than the ${most} tokens that the model reads`] : []),
  ];
  if (problems.length) throw new InputError(`class names cannot be used: ${problems.join("; ")}`);
  return encodings.map(({ count }) => count);
}
