import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, beforeEach, describe, test } from 'node:test'
import type { MediaFetchSettings } from '../../src/api/settings.ts'
import { GatewayError } from '../../src/errors.ts'
import { MediaFetcher } from '../../src/fetch/media-fetcher.ts'
import type { WantedFile } from '../../src/fetch/media-fetcher.ts'
import { eventually, within } from '../helpers/wait.ts'
import { png, startFileServer } from './file-server.ts'

const mib = 1024 * 1024

describe('the media of a request', async () => {
  const large = Buffer.concat([png, Buffer.alloc(11 * mib)])
  let waiting: ServerResponse[] = []
  const server = await startFileServer({ after }, (path, response) => {
    if (path.startsWith('/hang')) { waiting.push(response); return }
    if (path.startsWith('/404')) { response.writeHead(404).end(); return }
    response.writeHead(200, { 'content-type': 'image/png' }).end(path.startsWith('/large') ? large : png)
  })
  beforeEach(() => { waiting = [] })

  const settings: MediaFetchSettings = { refusedReason: null, allowedHosts: [server.host], fileBytesMax: 20 * mib, timeoutMs: 5_000 }
  const createFetcher = (): MediaFetcher => new MediaFetcher(async () => [])
  const toFiles = (...paths: string[]): WantedFile[] => paths.map((path, index) => ({ url: server.url + path, mediaTypes: ['image/png'], param: `messages[0].content[${index}].image_url.url` }))
  const times = (count: number, path: string): string[] => Array.from({ length: count }, (_none, index) => `${path}?${index}`)

  test('come in their order', async () => {
    const fetch = createFetcher().open(settings)
    const files = await fetch.run(toFiles('/1.png', '/large.png', '/2.png'))
    assert.deepEqual(files.map(({ mediaType, bytes }) => [mediaType, bytes.length]), [['image/png', png.length], ['image/png', large.length], ['image/png', png.length]])
    fetch.end()
  })

  test('the first failure is that of the request, with its field and its host, without its path', async () => {
    const before = server.requests.length
    await assert.rejects(createFetcher().open(settings).run(toFiles('/1.png', '/404.png?token=secret', '/hang', '/hang', '/3.png')), {
      code: 'BIFROST_INVALID_REQUEST',
      status: 400,
      param: 'messages[0].content[1].image_url.url',
      message: `messages[0].content[1].image_url.url could not be fetched from ${server.host}, since it answered with status 404. Send a data URL instead.`
    })
    await eventually(async () => await server.connections() === 0, 'the others are stopped')
    assert.ok(server.requests.length - before <= 5)
  })

  test('all of them together have a time limit', async () => {
    const startMs = performance.now()
    await assert.rejects(createFetcher().open({ ...settings, timeoutMs: 150 }).run(toFiles('/1.png', '/hang')), {
      code: 'BIFROST_INVALID_REQUEST',
      param: 'messages[0].content[1].image_url.url',
      message: `messages[0].content[1].image_url.url could not be fetched from ${server.host}, since it took longer than client.media_fetch.timeout_in_seconds (0.15 s). Send a data URL instead.`
    })
    assert.ok(performance.now() - startMs < 2_000)
    await eventually(async () => await server.connections() === 0, 'the connection is closed')
  })

  test('the time limit also holds for those that wait for a slot', async () => {
    const fetch = createFetcher().open({ ...settings, timeoutMs: 200 })
    const before = server.requests.length
    await assert.rejects(within(fetch.run(toFiles(...times(20, '/hang'))), 'it ends'), { message: /took longer than client\.media_fetch\.timeout_in_seconds \(0\.2 s\)/ })
    assert.equal(server.requests.length - before, 4, 'a request has four at once')
  })

  test('no more than 20 files', async () => {
    const before = server.requests.length
    assert.equal((await createFetcher().open(settings).run(toFiles(...times(20, '/1.png')))).length, 20)
    await assert.rejects(createFetcher().open(settings).run(toFiles(...times(21, '/1.png'))), {
      param: 'messages[0].content[20].image_url.url',
      message: `messages[0].content[20].image_url.url could not be fetched from ${server.host}, since it is more than the 20th of a request. Send a data URL instead.`
    })
    assert.equal(server.requests.length - before, 20)
  })

  test('no more than 50 MiB for one request', async () => {
    assert.equal((await createFetcher().open(settings).run(toFiles(...times(4, '/large.png')))).length, 4)
    await assert.rejects(createFetcher().open(settings).run(toFiles(...times(5, '/large.png'))), { code: 'BIFROST_INVALID_REQUEST', message: /since all files of the request together are larger than 52428800 bytes\./ })
  })

  test('no more than 256 MiB for all requests of a thread that are not over', async () => {
    const fetcher = createFetcher()
    const held = Array.from({ length: 5 }, () => fetcher.open(settings))
    for (const fetch of held) await fetch.run(toFiles(...times(4, '/large.png')))
    const refused = fetcher.open(settings)
    await assert.rejects(refused.run(toFiles(...times(4, '/large.png'))), { code: 'BIFROST_REQUEST_DROPPED', status: 503, retryable: true })
    refused.end()
    held[0]?.end()
    held[0]?.end()
    const next = fetcher.open(settings)
    assert.equal((await next.run(toFiles(...times(4, '/large.png')))).length, 4)
    const again = fetcher.open(settings)
    await assert.rejects(again.run(toFiles(...times(4, '/large.png'))), { code: 'BIFROST_REQUEST_DROPPED' })
  })

  test('the end of a request stops its fetches', async () => {
    const fetch = createFetcher().open(settings)
    const files = fetch.run(toFiles('/hang', '/hang'))
    await eventually(() => waiting.length === 2, 'both are asked for')
    fetch.end()
    await assert.rejects(within(files, 'the fetch ends'), GatewayError)
    await eventually(async () => await server.connections() === 0, 'the connections are closed')
  })

  test('requests whose media come at the same time go on in a turn of the event loop each', async () => {
    const fetcher = createFetcher()
    let turn = 0
    let counting = true
    const count = (): void => {
      turn++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    const turns: number[] = []
    const all = Array.from({ length: 6 }, () => fetcher.open(settings).run(toFiles('/hang')).then(() => { turns.push(turn) }))
    await eventually(() => waiting.length === 6, 'all are asked for')
    for (const response of waiting) response.writeHead(200, { 'content-type': 'image/png' }).end(png)
    await Promise.all(all)
    counting = false
    assert.equal(new Set(turns).size, 6, turns.join())
  })

  test('a provider behind a proxy is not gone around', async () => {
    const before = server.requests.length
    await assert.rejects(createFetcher().open({ ...settings, refusedReason: 'providers.bedrock.proxy_config is set' }).run(toFiles('/1.png')), {
      code: 'BIFROST_INVALID_REQUEST',
      message: `messages[0].content[0].image_url.url could not be fetched from ${server.host}, since providers.bedrock.proxy_config is set. Send a data URL instead.`
    })
    assert.equal(server.requests.length, before)
  })

  test('a URL that is none is told without a host', async () => {
    await assert.rejects(createFetcher().open(settings).run([{ url: 'http://', mediaTypes: ['image/png'], param: 'p' }]), { message: 'p could not be fetched, since it is no valid URL. Send a data URL instead.' })
  })
})
