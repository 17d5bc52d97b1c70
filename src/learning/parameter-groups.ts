/** Learning rate, weight decay and freezing of each parameter, by patterns over its name. */

import { RecipeError } from "../errors.ts";

/** How one parameter is trained. */
export interface ParameterSetting {
  learningRate: number;
  weightDecay: number;
  frozen: boolean;
}

/** A change for all parameters whose name contains `pattern` (or matches it, if it is a regular expression). */
export interface GroupRule {
  pattern: string | RegExp;
  /** Replaces the learning rate. */
  learningRate?: number;
  /** Multiplies the learning rate, after all replacements. */
  learningRateFactor?: number;
  /** Replaces the weight decay. */
  weightDecay?: number;
  frozen?: boolean;
}

/** Settings of all parameters, and rules that change them for some. */
export interface GroupOptions {
  learningRate: number;
  weightDecay: number;
  /** Applied from first to last; a later rule wins over an earlier one, factors multiply. */
  rules?: readonly GroupRule[];
}

/** The setting of every parameter. Throws RecipeError for a rule that matches no parameter, which is most likely misspelt. */
export function parameterGroups(names: Iterable<string>, options: GroupOptions): Map<string, ParameterSetting> {
  const { learningRate, weightDecay, rules = [] } = options;
  const unused = new Set(rules);
  const settings = new Map<string, ParameterSetting>();
  for (const name of names) {
    const setting = { learningRate, weightDecay, frozen: false };
    let factor = 1;
    for (const rule of rules) {
      if (!matches(name, rule.pattern)) continue;
      unused.delete(rule);
      setting.learningRate = rule.learningRate ?? setting.learningRate;
      setting.weightDecay = rule.weightDecay ?? setting.weightDecay;
      setting.frozen = rule.frozen ?? setting.frozen;
      factor *= rule.learningRateFactor ?? 1;
    }
    setting.learningRate *= factor;
    settings.set(name, setting);
  }
  if (unused.size) {
    const patterns = [...unused].map((rule) => `  ${String(rule.pattern)}`).join("\n");
    throw new RecipeError(`parameter groups: no parameter's name matches\n${patterns}`);
  }
  return settings;
}

/**
 * The groups of GLIP's training: the text encoder has a learning rate of its own, the image backbone a factor, and
 * every name with "bias" in it (so also `relative_position_bias_table`) learns twice as fast without decay.
 * Follows `solver/build.py` of the GLIP reference. Patterns that no parameter has are left out.
 */
export function glipGroupRules(
  names: Iterable<string>,
  { languageLearningRate, bodyFactor = 1 }: { languageLearningRate: number; bodyFactor?: number },
): GroupRule[] {
  const rules: GroupRule[] = [
    { pattern: "language_backbone", learningRate: languageLearningRate },
    { pattern: /^(?!.*language_backbone\.body).*backbone\.body/, learningRateFactor: bodyFactor },
    { pattern: "bias", learningRateFactor: 2, weightDecay: 0 },
  ];
  const known = [...names];
  return rules.filter((rule) => known.some((name) => matches(name, rule.pattern)));
}

function matches(name: string, pattern: string | RegExp): boolean {
  return typeof pattern === "string" ? name.includes(pattern) : name.search(pattern) >= 0;
}
