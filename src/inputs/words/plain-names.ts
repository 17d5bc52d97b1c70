/** Normal forms of names: lower case, without article or number, singular. */

const COUNTED = /^(?:a|an|the|one|two|three|four|five|some|several) /;

/** Possible normal forms of a name or phrase such as "two dogs", the most likely first: "dogs", "dog". */
export function plainNames(label: string): string[] {
  const words = label
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, " ");
  const name = words.replace(COUNTED, "");
  return [name, name.replace(/s$/, ""), name.replace(/es$/, ""), name.replace(/ies$/, "y")];
}
