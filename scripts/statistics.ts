/** Statistics of a few runs for one cell of a table. */

/** Student's t for a two-sided interval of 95 %, by degrees of freedom. */
const T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** "61.2 ± 3.4": the mean, and half of the 95 % interval of the mean, of runs with different seeds. */
export function meanAndInterval(values: readonly number[], digits = 1): string {
  if (values.length === 0) return "–";
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return mean.toFixed(digits);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const t = T95[values.length - 2] ?? 1.96;
  return `${mean.toFixed(digits)} ± ${(t * Math.sqrt(variance / values.length)).toFixed(digits)}`;
}
