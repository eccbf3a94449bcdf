import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { isPublicAddress, judgeUrl } from '../../src/fetch/address-rules.ts'
import { fetchFile, FetchProblem } from '../../src/fetch/fetch-file.ts'

/** Every one of them leads to this machine, to a private network or to a service of a cloud, or tries to. `PORT` is the canary's. */
const hostileUrls = [
  // Loopback, as it is and in every spelling that the URL standard turns into it.
  'http://127.0.0.1:PORT/', 'http://127.0.0.1/', 'https://127.0.0.1/', 'http://127.1:PORT/', 'http://127.0.1:PORT/', 'http://127.255.255.254:PORT/', 'http://127.0.0.53:PORT/',
  'http://2130706433:PORT/', 'http://0x7f000001:PORT/', 'http://0x7F.0.0.1:PORT/', 'http://0x7f.1:PORT/', 'http://0177.0.0.1:PORT/', 'http://017700000001:PORT/', 'http://0177.0.0.0x1:PORT/',
  'http://127.0.0.1.:PORT/', 'http://①②⑦.⓪.⓪.①:PORT/', 'http://１２７.０.０.１:PORT/', 'http://127。0。0。1:PORT/', 'http://%31%32%37.0.0.1:PORT/', 'http:127.0.0.1:PORT/', 'http:/127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT\\', 'http://\t127.0.0.1:PORT/', 'ht\ntp://127.0.0.1:PORT/', ' http://127.0.0.1:PORT/ ', 'HTTP://127.0.0.1:PORT/', 'http:////127.0.0.1:PORT/', 'http://127.0.0.1:PORT/a.png?x=https://example.com/',
  'http://127.0.0.1:PORT#@example.com/', 'http://127.0.0.1:PORT\\@example.com/',
  // Names of it.
  'http://localhost:PORT/', 'http://localhost.:PORT/', 'http://LOCALHOST:PORT/', 'http://a.localhost:PORT/', 'http://localhost.localdomain:PORT/', 'http://ｌｏｃａｌｈｏｓｔ:PORT/', 'http://ip6-localhost:PORT/',
  // This host.
  'http://0.0.0.0:PORT/', 'http://0:PORT/', 'http://0.1.2.3:PORT/', 'http://[::]:PORT/', 'http://[0:0:0:0:0:0:0:0]:PORT/',
  // IPv6 loopback, and IPv4 inside IPv6.
  'http://[::1]:PORT/', 'http://[0:0:0:0:0:0:0:1]:PORT/', 'http://[::ffff:127.0.0.1]:PORT/', 'http://[::ffff:7f00:1]:PORT/', 'http://[::127.0.0.1]:PORT/', 'http://[::ffff:0:127.0.0.1]:PORT/',
  'http://[64:ff9b::127.0.0.1]:PORT/', 'http://[64:ff9b::a9fe:a9fe]/', 'http://[64:ff9b:1::7f00:1]/', 'http://[2002:7f00:1::]/', 'http://[2002:a9fe:a9fe::1]/', 'http://[2001:0:7f00:1::]/',
  // Private, shared, local.
  'http://10.0.0.1/', 'http://10.255.255.255:8080/', 'http://172.16.0.1/', 'http://172.31.255.255/', 'http://192.168.0.1/', 'http://192.168.1.1:8443/', 'http://100.64.0.1/', 'http://100.127.255.255/',
  'http://167772161/', 'http://0xC0A80101/', 'http://[fc00::1]/', 'http://[fd12:3456:789a::1]/', 'http://[fe80::1]/', 'http://[fe80::1%25eth0]/', 'http://[fec0::1]/',
  // Metadata of clouds and of containers.
  'http://169.254.169.254/latest/meta-data/', 'http://0xa9fea9fe/', 'http://2852039166/', 'http://0251.0376.0251.0376/', 'http://[::ffff:169.254.169.254]/', 'http://[fd00:ec2::254]/', 'http://169.254.170.2/v2/credentials',
  'http://168.63.129.16/machine', 'http://100.100.100.200/', 'http://192.0.0.192/opc/v2/', 'http://metadata/', 'http://metadata.google.internal/', 'http://metadata.google.internal./', 'http://instance-data/latest/', 'http://kubernetes.default.svc.cluster.local/',
  'http://host.docker.internal:PORT/', 'http://redis:8080/', 'http://printer.lan/', 'http://router.home.arpa/', 'http://nas.local/', 'http://wiki.corp/', 'http://git.intranet/',
  // Special ranges.
  'http://192.0.2.1/', 'http://198.18.0.1/', 'http://198.19.255.255/', 'http://198.51.100.7/', 'http://203.0.113.9/', 'http://192.88.99.1/', 'http://224.0.0.1/', 'http://239.255.255.250/', 'http://240.0.0.1/', 'http://255.255.255.255/',
  'http://[ff02::1]/', 'http://[2001:db8::1]/', 'http://[3fff::1]/', 'http://[100::1]/', 'http://[5f00::1]/',
  // Other doors of public hosts.
  'http://example.com:22/', 'http://example.com:25/', 'http://example.com:6379/', 'http://example.com:11211/', 'https://example.com:8081/', 'http://example.com:0/', 'http://93.184.215.14:3306/',
  // Other schemes, credentials, and what is no URL.
  'file:///etc/passwd', 'ftp://example.com/a.png', 'gopher://127.0.0.1:PORT/_GET', 'dict://127.0.0.1:PORT/', 'javascript:fetch("http://127.0.0.1:PORT")', 'blob:http://127.0.0.1:PORT/a', 'data:text/html,<img src=http://127.0.0.1:PORT>',
  'http://user@example.com/', 'http://user:password@example.com/', 'http://:password@example.com/', 'http://example.com@127.0.0.1:PORT/', 'http://127.0.0.1:PORT@example.com/',
  'http://', 'http://?', 'https:///', 'http://exa mple.com/', 'http://[::1', 'http://256.256.256.256/', 'http://example.com:99999/', 'http://1.2.3.4.5/', '', '/a.png', `http://example.com/${'a'.repeat(9_000)}`
]

const publicUrls = [
  'http://example.com/a.png', 'https://example.com/a.png?token=x', 'https://example.com:443/', 'http://example.com:80/', 'http://example.com:8080/', 'https://EXAMPLE.com:8443/', 'https://sub.domain.example.co.uk/', 'https://münchen.de/',
  'http://93.184.215.14/', 'http://1.1.1.1/', 'http://172.15.255.255/', 'http://172.32.0.1/', 'http://100.63.255.255/', 'http://100.128.0.1/', 'http://169.253.0.1/', 'http://198.17.0.1/', 'http://223.255.255.255/',
  'http://[2606:4700::1111]/', 'https://[2a00:1450:4001:82a::2004]/', 'https://localhost.example.com/', 'https://internal.example.com/', 'https://metadata.example.com/'
]

/** What this process has begun to connect to while `run` ran: a word per connection, and the addresses that were tried. */
async function attemptsDuring (run: () => Promise<void>): Promise<string[]> {
  const attempts: string[] = []
  const onConnect = (): void => { attempts.push('connect') }
  const onSocket = (message: unknown): void => {
    (message as { socket: Socket }).socket.on('connectionAttempt', (address: string) => { attempts.push(address) })
  }
  subscribe('undici:client:beforeConnect', onConnect)
  subscribe('net.client.socket', onSocket)
  try {
    await run()
  } finally {
    unsubscribe('undici:client:beforeConnect', onConnect)
    unsubscribe('net.client.socket', onSocket)
  }
  return attempts
}

describe('where media may come from', () => {
  let hits = 0
  let port = 0
  const canaries: Server[] = []
  const limits = { allowedHosts: [], fileBytesMax: 1_000, connectTimeoutMs: 300 }
  const fetchFrom = (url: string, resolve: (host: string) => Promise<string[]>): Promise<unknown> =>
    fetchFile({ url, mediaTypes: ['image/png'] }, limits, resolve, () => {}, AbortSignal.timeout(300))

  before(async () => {
    // The rule about ports must not hide the rules about addresses, so the canary listens on a port that is allowed.
    for (const wanted of [8080, 8443]) {
      port = await listen(wanted, ['127.0.0.1', '::1'])
      if (port !== 0) return
    }
    port = 8080
  })
  after(() => {
    for (const canary of canaries) {
      canary.close()
      canary.closeAllConnections()
    }
  })

  async function listen (wanted: number, hosts: readonly string[]): Promise<number> {
    let found = 0
    for (const host of hosts) {
      const canary = createServer((_request, response) => {
        hits++
        response.writeHead(200, { 'content-type': 'image/png' }).end('\x89PNG\r\n\x1a\n')
      })
      const error = await new Promise<Error | null>((resolve) => {
        canary.once('error', resolve)
        canary.listen(wanted, host, () => { resolve(null) })
      })
      if (error !== null) continue
      canaries.push(canary)
      found = wanted
    }
    return found
  }

  test(`${hostileUrls.length} hostile URLs are refused before a name is looked up or a socket is opened`, async () => {
    assert.ok(hostileUrls.length >= 80)
    assert.equal(new Set(hostileUrls).size, hostileUrls.length)
    const passed: string[] = []
    const attempts = await attemptsDuring(async () => {
      for (const url of hostileUrls.map((text) => text.replaceAll('PORT', String(port)))) {
        let lookedUp = false
        await assert.rejects(fetchFrom(url, async () => { lookedUp = true; return ['127.0.0.1'] }), FetchProblem, url)
        if (lookedUp) passed.push(url)
      }
    })
    assert.deepEqual(passed, [])
    assert.deepEqual(attempts, [])
    assert.equal(hits, 0)
  })

  test('URLs of public hosts are not refused', () => {
    for (const url of publicUrls) assert.ok('url' in judgeUrl(url, []), url)
  })

  test('a name with one address that is not public is refused, whatever the others are', async () => {
    const privateAddresses = ['127.0.0.1', '::1', '10.1.2.3', '169.254.169.254', 'fd00:ec2::254', '::ffff:10.0.0.1', '64:ff9b::a00:1', 'fe80::1%eth0', '0.0.0.0', '168.63.129.16', 'no address']
    const attempts = await attemptsDuring(async () => {
      for (const address of privateAddresses) {
        for (const addresses of [[address], ['93.184.215.14', address], [address, '2606:4700::1111']]) {
          await assert.rejects(fetchFrom(`http://example.com:${port}/`, async () => addresses), { message: 'its host has no public address' }, addresses.join())
        }
      }
    })
    assert.deepEqual(attempts, [])
    assert.equal(hits, 0)
  })

  test('a private address and a name that does not exist are told in the same words', async () => {
    const told = await Promise.all([async () => ['10.0.0.1'], async () => [], async () => { throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' }) }].map(async (resolve) => {
      return await fetchFrom('http://example.com/', resolve).catch((error: FetchProblem) => ({ message: error.message, host: error.host }))
    }))
    assert.deepEqual(new Set(told.map((text) => JSON.stringify(text))), new Set(['{"message":"its host has no public address","host":"example.com"}']))
  })

  test('a name that means something else the second time is connected to as it was checked', async () => {
    let lookups = 0
    const rebinding = async (): Promise<string[]> => ++lookups === 1 ? ['93.184.215.14'] : ['127.0.0.1']
    const attempts = await attemptsDuring(async () => {
      await assert.rejects(fetchFrom(`http://rebinding.example.com:${port}/`, rebinding))
    })
    assert.equal(lookups, 1)
    assert.deepEqual(attempts, ['connect', '93.184.215.14'])
    assert.equal(hits, 0)
  })

  test('several addresses of a name: only those are tried', async () => {
    const addresses = ['2606:4700::1111', '93.184.215.14']
    const attempts = await attemptsDuring(async () => {
      await assert.rejects(fetchFrom(`http://two.example.com:${port}/`, async () => addresses))
    })
    const tried = attempts.slice(1)
    assert.ok(tried.length > 0 && tried.every((address) => addresses.includes(address)), attempts.join())
  })

  test('addresses at the edges of the ranges', () => {
    const edges: readonly [string, boolean][] = [
      ['9.255.255.255', true], ['10.0.0.0', false], ['11.0.0.0', true], ['126.255.255.255', true], ['128.0.0.0', true], ['169.254.0.0', false], ['169.255.0.0', true], ['192.0.1.0', true], ['191.255.255.255', true],
      ['192.167.255.255', true], ['192.169.0.0', true], ['198.20.0.0', true], ['1.0.0.0', true], ['168.63.129.15', true], ['168.63.129.17', true],
      ['1fff::1', false], ['2000::1', true], ['2001:1ff::1', false], ['2001:200::1', true], ['2001:db7::1', true], ['2001:db9::1', true], ['2003::1', true], ['3ffe::1', true], ['3fff:fff::1', false], ['3fff:1000::1', true], ['4000::1', false],
      ['', false], ['example.com', false], ['1.1.1', false]
    ]
    for (const [address, isPublic] of edges) assert.equal(isPublicAddress(address), isPublic, address)
  })

  test('a host that the operator names is exempt, with its port where one is named', () => {
    const isTrusted = (url: string, allowed: string[]): boolean => {
      const verdict = judgeUrl(url, allowed)
      return 'url' in verdict && verdict.isTrusted
    }
    assert.ok(isTrusted('http://10.0.0.7:9000/a.png', ['10.0.0.7:9000']))
    assert.ok(isTrusted('http://10.0.0.7:9000/a.png', ['10.0.0.7']))
    assert.ok(isTrusted('http://0x0a.7:9000/a.png', ['10.0.0.7']))
    assert.ok(isTrusted('http://MinIO:9000/a.png', ['minio:9000']))
    assert.ok(isTrusted('http://minio/a.png', ['minio:80']))
    assert.ok(isTrusted('https://minio/a.png', ['minio:443']))
    assert.ok(isTrusted('http://[fd00::7]:9000/', ['[fd00::7]:9000']))
    for (const [url, allowed] of [
      ['http://10.0.0.7:9001/', '10.0.0.7:9000'], ['http://10.0.0.8:9000/', '10.0.0.7:9000'], ['http://minio.evil.example/', 'minio'], ['http://evil.minio/', 'minio'], ['https://minio/', 'minio:80'],
      ['http://minio@10.0.0.1/', 'minio'], ['http://user@minio/', 'minio'], ['ftp://minio/', 'minio'], ['http://minio./', 'minio']
    ] as const) assert.equal(isTrusted(url, [allowed]), false, url)
  })
})
