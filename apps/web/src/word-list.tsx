/** The words with the number of their boxes; hovering one shows its boxes, and a button shows where the picture fits it. */

import type { Found } from "./model-worker.ts";
import { colourOf } from "./pictures.ts";

interface WordListProps {
  labels: readonly string[];
  found: readonly Found[];
  mapOf: string | undefined;
  emphasise(label: string | undefined): void;
  showMap(label: string | undefined): void;
}

export function WordList({ labels, found, mapOf, emphasise, showMap }: WordListProps) {
  return (
    <section>
      <h2>Words</h2>
      <ul class="words">
        {labels.map((label) => {
          const own = found.filter((one) => one.label === label);
          const best = Math.max(0, ...own.map(({ score }) => score));
          return (
            <li key={label}>
              <button
                type="button"
                class="name"
                onPointerEnter={() => emphasise(label)}
                onPointerLeave={() => emphasise(undefined)}
                onFocus={() => emphasise(label)}
                onBlur={() => emphasise(undefined)}
              >
                <span class="dot" style={{ background: colourOf(label) }} />
                <span>
                  {label}: {own.length}
                  {own.length > 0 && `, best ${Math.round(100 * best)} %`}
                </span>
              </button>
              <button
                type="button"
                aria-pressed={mapOf === label}
                aria-label={`Map of ${label}`}
                onClick={() => showMap(mapOf === label ? undefined : label)}
              >
                Map
              </button>
            </li>
          );
        })}
      </ul>
      {labels.length === 0 && <p class="quiet">Type words to find.</p>}
    </section>
  );
}
