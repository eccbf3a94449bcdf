/** A key that the provider refused (401, 402, 403) is avoided for this long where there is another one, in milliseconds. */
export const refusedKeyRestMs = 30_000
/** Keys that are remembered per provider; rests that are over make room. */
const keysMax = 10_000

interface Rest {
  untilMs: number
  /** The provider itself said how long; otherwise the key is only avoided where there is another one. */
  isFirm: boolean
}

/** Which keys of a provider had better be left alone, and until when. */
export class KeyRests {
  private readonly byId = new Map<string, Rest>()
  private anyUntilMs = 0

  rest (keyId: string, untilMs: number, isFirm: boolean, nowMs: number): void {
    const known = this.byId.get(keyId)
    if (known !== undefined && known.untilMs > untilMs && known.isFirm) return
    if (this.byId.size >= keysMax) this.forgetOver(nowMs)
    this.byId.set(keyId, { untilMs, isFirm })
    this.anyUntilMs = Math.max(this.anyUntilMs, untilMs)
  }

  /** The usual answer is no, and costs one comparison. */
  mayAnyRest (nowMs: number): boolean {
    return nowMs < this.anyUntilMs
  }

  /** @returns when the key may be used again; 0 when it may now */
  restsUntilMs (keyId: string, firmOnly: boolean, nowMs: number): number {
    const rest = this.byId.get(keyId)
    return rest === undefined || rest.untilMs <= nowMs || (firmOnly && !rest.isFirm) ? 0 : rest.untilMs
  }

  private forgetOver (nowMs: number): void {
    for (const [id, rest] of this.byId) if (rest.untilMs <= nowMs) this.byId.delete(id)
    if (this.byId.size >= keysMax) this.byId.clear()
  }
}
