/** A cache that keeps the most recently used values. */

export class RecentlyUsed<Key, Value> {
  /** The least recently used value is first. */
  private readonly kept = new Map<Key, Value>();

  constructor(
    /** Maximum number of values. */
    readonly most: number,
  ) {}

  get size(): number {
    return this.kept.size;
  }

  get(key: Key): Value | undefined {
    const value = this.kept.get(key);
    if (value === undefined) return undefined;
    this.kept.delete(key);
    this.kept.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.kept.delete(key);
    this.kept.set(key, value);
  }

  /** Removes and returns the least recently used values above the limit, except those that must stay. */
  dropped(stays: (value: Value) => boolean = () => false): Value[] {
    const dropped: Value[] = [];
    for (const [key, value] of this.kept) {
      if (this.kept.size <= this.most) break;
      if (stays(value)) continue;
      this.kept.delete(key);
      dropped.push(value);
    }
    return dropped;
  }

  delete(key: Key): void {
    this.kept.delete(key);
  }

  values(): Value[] {
    return [...this.kept.values()];
  }

  clear(): void {
    this.kept.clear();
  }
}
