/** Words for a scene, and which words mean which things. */

import type { Random } from "../random.ts";
import type { SceneObject } from "./compose.ts";
import { countWord, plural, withArticle } from "./english.ts";

/** Words of a caption that mean certain things in the picture. */
export interface Phrase {
  readonly text: string;
  /** First letter and one past the last, in the caption. */
  readonly span: readonly [number, number];
  /** Places in the scene's list of objects: all that the words mean, and no other. */
  readonly objects: readonly number[];
}

export interface Caption {
  readonly caption: string;
  readonly phrases: readonly Phrase[];
}

interface Group {
  readonly words: string;
  readonly objects: readonly number[];
}

/** A caption that names every thing once: "a red apple, two chairs and a small dog." */
export function describe(objects: readonly SceneObject[], random: Random): Caption {
  const names = random.shuffled([...new Set(objects.map((object) => object.name))]);
  const groups = names.flatMap((name) => groupsOf(name, objects, random));
  let caption = "";
  const phrases = groups.map(({ words, objects: meant }, i): Phrase => {
    if (i > 0) caption += i === groups.length - 1 ? " and " : ", ";
    const start = caption.length;
    caption += words;
    return { text: words, span: [start, caption.length], objects: meant };
  });
  return { caption: `${caption}.`, phrases };
}

function groupsOf(name: string, objects: readonly SceneObject[], random: Random): Group[] {
  const places = objects.flatMap((object, i) => (object.name === name ? [i] : []));
  const colours = new Set(places.map((i) => objects[i]?.attributes.colour));
  const [colour] = colours;
  const told = random.chance(0.6);
  if (told && !colours.has(undefined))
    return [...colours].map((one) => {
      const ofColour = places.filter((i) => objects[i]?.attributes.colour === one);
      return { words: phrase(`${one} `, name, ofColour.length), objects: ofColour };
    });
  const size = places.length === 1 && !colour ? objects[places[0] ?? 0]?.attributes.size : undefined;
  return [{ words: phrase(told && size ? `${size} ` : "", name, places.length), objects: places }];
}

function phrase(attributes: string, name: string, count: number): string {
  return count === 1 ? withArticle(attributes, name) : `${countWord(count)} ${attributes}${plural(name)}`;
}
