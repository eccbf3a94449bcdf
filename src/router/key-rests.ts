/** A key that the provider refused (401, 402, 403) is avoided for this long where there is another one, in milliseconds. */
export const refusedKeyRestMs = 30_000
/** Keys that are remembered per provider; rests that are over make room. */
const keysMax = 10_000

interface Rest {
  /** What the provider itself said. */
  firmUntilMs: number
  /** Until then the key is only avoided where there is another one. */
  softUntilMs: number
}

/** Which keys of a provider had better be left alone, and until when. */
export class KeyRests {
  private readonly byId = new Map<string, Rest>()
  private anyUntilMs = 0

  rest (keyId: string, untilMs: number, isFirm: boolean, nowMs: number): void {
    let rest = this.byId.get(keyId)
    if (rest === undefined) {
      if (this.byId.size >= keysMax) this.forgetOver(nowMs)
      this.byId.set(keyId, rest = { firmUntilMs: 0, softUntilMs: 0 })
    }
    // The longest counts: neither may cut the other short.
    if (isFirm) rest.firmUntilMs = Math.max(rest.firmUntilMs, untilMs)
    else rest.softUntilMs = Math.max(rest.softUntilMs, untilMs)
    this.anyUntilMs = Math.max(this.anyUntilMs, untilMs)
  }

  /** The usual answer is no, and costs one comparison. */
  mayAnyRest (nowMs: number): boolean {
    return nowMs < this.anyUntilMs
  }

  /** @returns when the key may be used again; 0 when it may now */
  restsUntilMs (keyId: string, firmOnly: boolean, nowMs: number): number {
    const rest = this.byId.get(keyId)
    if (rest === undefined) return 0
    const untilMs = firmOnly ? rest.firmUntilMs : Math.max(rest.firmUntilMs, rest.softUntilMs)
    return untilMs <= nowMs ? 0 : untilMs
  }

  private forgetOver (nowMs: number): void {
    for (const [id, rest] of this.byId) if (Math.max(rest.firmUntilMs, rest.softUntilMs) <= nowMs) this.byId.delete(id)
    if (this.byId.size >= keysMax) this.byId.clear()
  }
}
