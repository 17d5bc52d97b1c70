/** The little English grammar that captions need. */

/** Names that have no singular. */
const pairs = new Set([
  "scissors",
  "grapes",
  "glasses",
  "jeans",
  "socks",
  "gloves",
  "shorts",
  "headphones",
  "cherries",
  "beans",
]);

const irregular = new Map([
  ["mouse", "mice"],
  ["fish", "fish"],
  ["sheep", "sheep"],
  ["deer", "deer"],
  ["knife", "knives"],
  ["wolf", "wolves"],
  ["leaf", "leaves"],
  ["bread", "breads"],
  ["person", "people"],
  ["man", "men"],
  ["woman", "women"],
  ["goose", "geese"],
  ["ox", "oxen"],
  ["tooth", "teeth"],
  ["foot", "feet"],
]);

/** "apple" as "apples", "sports car" as "sports cars". */
export function plural(name: string): string {
  const start = name.lastIndexOf(" ") + 1;
  const word = name.slice(start);
  if (pairs.has(word)) return name;
  const known = irregular.get(word);
  if (known) return name.slice(0, start) + known;
  if (/([sxz]|ch|sh)$/.test(word)) return `${name}es`;
  if (/[^aeiou]y$/.test(word)) return `${name.slice(0, -1)}ies`;
  if (/(tomato|potato|mango)$/.test(word)) return `${name}es`;
  return `${name}s`;
}

/** "an apple", "a red apple", "red scissors"; `attributes` is empty or ends in a space. */
export function withArticle(attributes: string, name: string): string {
  const words = attributes + name;
  if (pairs.has(name.slice(name.lastIndexOf(" ") + 1))) return words;
  return `${/^([aeio]|u(?!ni))/.test(words) ? "an" : "a"} ${words}`;
}

/** 2 to 9 in letters. */
export function countWord(count: number): string {
  return ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][count] ?? String(count);
}
