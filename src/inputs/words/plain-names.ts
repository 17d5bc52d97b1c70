/** Names as they are looked up: small letters, without article or count, in the singular. */

const COUNTED = /^(?:a|an|the|one|two|three|four|five|some|several) /;

/** What a name or a phrase such as "two dogs" may be listed as, the likeliest first: "dogs", "dog". */
export function plainNames(label: string): string[] {
  const words = label
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, " ");
  const name = words.replace(COUNTED, "");
  return [name, name.replace(/s$/, ""), name.replace(/es$/, ""), name.replace(/ies$/, "y")];
}
