/** The English grammar that captions need. */

/** Last words of names that take neither an article nor a plural ending: materials, and things that come in pairs or groups. */
const unchanging = new Set(
  (
    "scissors grapes glasses sunglasses goggles jeans shorts briefs socks gloves headphones cherries beans peanuts pancakes " +
    "blueberries fries chopsticks scales shoes maracas swords corn broccoli bread cheese bacon popcorn spaghetti sushi soap " +
    "garlic ginger lettuce butter salt rice badminton bowling yarn paper ice candy thread coral"
  ).split(" "),
);

const irregular = new Map([
  ["mouse", "mice"],
  ["fish", "fish"],
  ["sheep", "sheep"],
  ["bison", "bison"],
  ["moose", "moose"],
  ["dice", "dice"],
  ["squid", "squid"],
  ["shrimp", "shrimp"],
  ["jellyfish", "jellyfish"],
  ["pufferfish", "pufferfish"],
  ["snowman", "snowmen"],
  ["scarf", "scarves"],
  ["deer", "deer"],
  ["knife", "knives"],
  ["wolf", "wolves"],
  ["leaf", "leaves"],
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
  if (name === "glass of milk") return "glasses of milk";
  const start = name.lastIndexOf(" ") + 1;
  const word = name.slice(start);
  if (unchanging.has(word)) return name;
  const known = irregular.get(word);
  if (known) return name.slice(0, start) + known;
  if (/([sxz]|ch|sh)$/.test(word)) return `${name}es`;
  if (/[^aeiou]y$/.test(word)) return `${name.slice(0, -1)}ies`;
  if (/(tomato|potato|mango|mosquito|volcano|tornado)$/.test(word)) return `${name}es`;
  return `${name}s`;
}

/** "an apple", "a red apple", "red scissors"; `attributes` is empty or ends in a space. */
export function withArticle(attributes: string, name: string): string {
  const words = attributes + name;
  if (unchanging.has(name.slice(name.lastIndexOf(" ") + 1))) return words;
  return `${/^([aeio]|u(?!ni)|hourglass)/.test(words) ? "an" : "a"} ${words}`;
}

/** 2 to 9 in letters. */
export function countWord(count: number): string {
  return ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][count] ?? String(count);
}
