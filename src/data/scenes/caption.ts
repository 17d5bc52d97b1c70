/** Captions for a scene, and which words name which things. */

import type { Random } from "../random.ts";
import type { SceneObject } from "./compose.ts";
import { countWord, plural, withArticle } from "./english.ts";
import { relationBetween } from "./relations.ts";

/** Words of a caption that name certain things in the picture. */
export interface Phrase {
  readonly text: string;
  /** Start and end (exclusive) in the caption. */
  readonly span: readonly [number, number];
  /** Indices into the scene's objects: exactly those that the words name. */
  readonly objects: readonly number[];
}

/** A sentence about a whole scene. */
export interface Caption {
  readonly caption: string;
  readonly phrases: readonly Phrase[];
}

interface Group {
  readonly words: string;
  readonly objects: readonly number[];
}

/** What to state about the things of one name, if it is known for all of them. */
type StatedAttribute = "nothing" | "colour" | "size";

const often: readonly StatedAttribute[] = ["nothing", "colour", "colour", "size", "size"];

const openings = ["", "", "", "a picture of ", "a scene with ", "here we see "];

/**
 * A caption that names every thing once: "two red apples left of a small chair, a dog and three keys." What is stated
 * about the things of each name is picked from `attributes`.
 */
export function describe(objects: readonly SceneObject[], random: Random, attributes = often): Caption {
  const names = random.shuffled([...new Set(objects.map((object) => object.name))]);
  const groups = names.flatMap((name) => groupsOf(name, objects, random.pick(attributes)));
  let caption = random.pick(openings);
  let related = false;
  const phrases = groups.map(({ words, objects: meant }, i): Phrase => {
    const before = groups[i - 1];
    const members = (places: readonly number[]) => places.flatMap((place) => objects[place] ?? []);
    const relation =
      before && !related && random.chance(0.5) ? relationBetween(members(before.objects), members(meant)) : undefined;
    related = relation !== undefined;
    if (relation) caption += ` ${relation} `;
    else if (before) caption += i === groups.length - 1 ? " and " : ", ";
    const start = caption.length;
    caption += words;
    return { text: words, span: [start, caption.length], objects: meant };
  });
  return { caption: `${caption}.`, phrases };
}

/** The things of one name: all in one phrase, or one phrase per colour or size. */
function groupsOf(name: string, objects: readonly SceneObject[], told: StatedAttribute): Group[] {
  const places = objects.flatMap((object, i) => (object.name === name ? [i] : []));
  const words = places.map((place) => (told === "nothing" ? undefined : objects[place]?.attributes[told]));
  if (words.includes(undefined)) return [{ words: phrase("", name, places.length), objects: places }];
  return [...new Set(words)].map((word) => {
    const meant = places.filter((_, i) => words[i] === word);
    return { words: phrase(`${word} `, name, meant.length), objects: meant };
  });
}

function phrase(attributes: string, name: string, count: number): string {
  return count === 1 ? withArticle(attributes, name) : `${countWord(count)} ${attributes}${plural(name)}`;
}
