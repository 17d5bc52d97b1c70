/** A link to the page that carries what is asked, never the picture. */

export interface Asked {
  text: string;
  kind: "names" | "caption";
  threshold: number;
}

export const atFirst: Asked = { text: "cat. cup. person.", kind: "names", threshold: 0.5 };

export function readLink(hash: string): Asked {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const threshold = Number(values.get("threshold") ?? Number.NaN);
  return {
    text: values.get("text") ?? atFirst.text,
    kind: values.get("kind") === "caption" ? "caption" : "names",
    threshold: threshold >= 0.1 && threshold <= 1 ? threshold : atFirst.threshold,
  };
}

export function linkOf({ text, kind, threshold }: Asked): string {
  return `#${new URLSearchParams({ text, kind, threshold: String(threshold) })}`;
}
