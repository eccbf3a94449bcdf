const idCharactersMax = 64

/** Ids of tool calls as Bedrock takes them: letters, digits, `_` and `-`, at most 64 of them. The same id gets the same one. */
export class ToolIds {
  private readonly byId = new Map<string, string>()
  private readonly taken = new Set<string>()

  toWire (id: string): string {
    const known = this.byId.get(id)
    if (known !== undefined) return known
    const plain = id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, idCharactersMax) || 'call'
    let wire = plain
    for (let count = 2; this.taken.has(wire); count++) wire = `${plain.slice(0, idCharactersMax - 6)}_${count}`
    this.byId.set(id, wire)
    this.taken.add(wire)
    return wire
  }
}
