import { createRandom } from '../helpers/random.ts'

/** Seeded choices. */
export class Draw {
  /** 0 <= number < 1 */
  readonly random: () => number

  constructor (seed: number) {
    // Neighbouring seeds begin with neighbouring numbers; a few steps part them.
    this.random = createRandom(Math.imul(seed + 1, 0x9e3779b1))
    for (let step = 0; step < 4; step++) this.random()
  }

  chance (share: number): boolean {
    return this.random() < share
  }

  /** Both ends included. */
  int (min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1))
  }

  between (min: number, max: number): number {
    return min + this.random() * (max - min)
  }

  /** Every order of magnitude is as likely as any other. */
  spread (min: number, max: number): number {
    return min * (max / min) ** this.random()
  }

  exponential (mean: number): number {
    return -Math.log(1 - this.random()) * mean
  }

  pick<T> (list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T
  }

  weighted<Name extends string> (weights: Partial<Record<Name, number>>): Name {
    const entries = Object.entries(weights) as [Name, number][]
    let point = this.random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of entries) {
      point -= weight
      if (point < 0) return name
    }
    return (entries.at(-1) as [Name, number])[0]
  }
}
