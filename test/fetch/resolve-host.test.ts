import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { hostname } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { resolveHost } from '../../src/fetch/resolve-host.ts'

const typeA = 1
const typeAaaa = 28
const zone: Record<string, { [type: number]: number[][] }> = {
  'both.example': { [typeA]: [[93, 184, 215, 14], [10, 0, 0, 1]], [typeAaaa]: [[0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11]] },
  'old.example': { [typeA]: [[1, 1, 1, 1]] }
}

/** An answer to one query, as RFC 1035 lays it out. */
function toAnswer (query: Buffer, asked: string[]): Buffer {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] as number; length > 0; length = query[at] as number) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const name = labels.join('.').toLowerCase()
  const type = query.readUInt16BE(at + 1)
  asked.push(`${name} ${type}`)
  const records = zone[name]?.[type] ?? []
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(zone[name] === undefined ? 0x8183 : 0x8180, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  const answers = records.map((address) => {
    const record = Buffer.alloc(12)
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(type, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(60, 6)
    record.writeUInt16BE(address.length, 10)
    return Buffer.concat([record, Buffer.from(address)])
  })
  return Buffer.concat([head, query.subarray(12, at + 5), ...answers])
}

describe('the addresses of a name', () => {
  const asked: string[] = []
  const server = createSocket('udp4')
  let servers: string[] = []
  before(async () => {
    server.on('message', (query, { port, address }) => { server.send(toAnswer(query, asked), port, address) })
    await new Promise<void>((resolve) => { server.bind(0, '127.0.0.1', resolve) })
    servers = [`127.0.0.1:${server.address().port}`]
  })
  after(() => { server.close() })

  test('are those of both families, and all of them', async () => {
    assert.deepEqual(await resolveHost('both.example', false, servers), ['93.184.215.14', '10.0.0.1', '2606:4700::1111'])
    assert.deepEqual(await resolveHost('old.example', false, servers), ['1.1.1.1'])
    assert.deepEqual(asked.sort(), ['both.example 1', 'both.example 28', 'old.example 1', 'old.example 28'])
  })

  test('are none where there is no such name', async () => {
    assert.deepEqual(await resolveHost('none.example', false, servers), [])
  })

  test("do not come from the hosts file, but for hosts of the operator's", async () => {
    assert.deepEqual(await resolveHost(hostname(), false, servers), [])
    assert.ok((await resolveHost('localhost', true)).some((address) => ['127.0.0.1', '::1'].includes(address)))
  })
})
