/** Remarks for the user about names in a prompt: which are read as something else, and which are unknown. */

import type { NameList } from "./name-list.ts";
import { quote } from "./spans.ts";
import type { WordPieces } from "./word-pieces.ts";

/** Marks that users put between names instead of points. */
const COMMA = /[,;，、；]/;
/** Maximum number of names in a remark; the others are counted. */
const MOST_LISTED = 10;

/** Parts of a text without a piece in the vocabulary: another script, emoji. */
function unreadableParts(pieces: WordPieces, text: string): string[] {
  const unknown = pieces.idOf("[UNK]");
  const { ids, spans } = pieces.encode(text);
  return spans.flatMap((span, k) => (span && ids[k] === unknown ? [text.slice(...span)] : []));
}

/**
 * Names that the model does not know: a word is not in its vocabulary, or `names`, the list of trained names, does not have
 * it. Detections of these are guesses.
 */
export function unknownNames(pieces: WordPieces, labels: readonly string[], names?: NameList): string[] {
  return [...new Set(labels)].filter((label) => {
    const name = names?.spelledOut(label) ?? label;
    return unreadableParts(pieces, name).length > 0 || names?.knows(name) === false;
  });
}

/** Sentences for the user about names to find; empty if there is nothing to report. */
export function nameRemarks(pieces: WordPieces, labels: readonly string[], names?: NameList): string[] {
  const each = [...new Set(labels)];
  const spelled = (label: string) => names?.spelledOut(label) ?? label;
  const emoji = each.filter((label) => spelled(label) !== label).map((one) => `${one} as ${quote(spelled(one))}`);
  const plain = each.filter((label) => !COMMA.test(label)).map(spelled);
  return [
    ...each.filter((label) => COMMA.test(label)).map(commaRemark),
    ...(emoji.length ? [`emoji are read as names: ${listed(emoji)}`] : []),
    ...wordRemarks(pieces, plain, { names, text: each.map(spelled).join(". ") }),
  ];
}

/** Sentences for the user about the phrases of a caption. Emoji in a caption are not replaced by names, since boxes refer to its characters. */
export function captionRemarks(
  pieces: WordPieces,
  { caption, phrases }: { caption: string; phrases: readonly string[] },
  names?: NameList,
): string[] {
  return wordRemarks(pieces, [...new Set(phrases)], { names, text: caption });
}

function wordRemarks(
  pieces: WordPieces,
  labels: readonly string[],
  { names, text }: { names: NameList | undefined; text: string },
): string[] {
  const unread = [...new Set(unreadableParts(pieces, text))];
  const unknown = labels.filter((label) => names?.knows(label) === false && !unreadableParts(pieces, label).length);
  const inPhotos = labels.flatMap((label) => {
    const name = names?.inPhotos(label);
    return name === undefined ? [] : [`${quote(label)} as ${quote(name)}`];
  });
  return [
    ...(inPhotos.length ? [`in photos the model finds ${listed(inPhotos)}`] : []),
    ...(unread.length
      ? [`the vocabulary of the model does not contain ${listed(unread.map(quote))}; write English names`]
      : []),
    ...(unknown.length
      ? [`the model was not trained on ${listed(unknown.map(quote))}, so its detections of these are guesses`]
      : []),
  ];
}

function commaRemark(label: string): string {
  const parts = label.split(COMMA).flatMap((part) => (part.trim() ? [part.trim()] : []));
  const classes = parts.join(",");
  return `${quote(label)} is read as one name; for several names write ${quote(`${parts.join(". ")}.`)}, or --classes ${classes.includes(" ") ? quote(classes) : classes}`;
}

function listed(words: readonly string[]): string {
  const more = words.length - MOST_LISTED;
  return words.slice(0, MOST_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
