import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, describe, test } from 'node:test'
import { fetchFile, FetchProblem } from '../../src/fetch/fetch-file.ts'
import type { FetchedFile } from '../../src/fetch/fetch-file.ts'
import { eventually, within } from '../helpers/wait.ts'
import { png, startFileServer } from './file-server.ts'

const send = (type: string, body: Buffer, headers: Record<string, string> = {}) => (response: ServerResponse): void => { response.writeHead(200, { 'content-type': type, ...headers }).end(body) }
const redirect = (location: string, status = 302) => (response: ServerResponse): void => { response.writeHead(status, { location }).end('moved') }

describe('one file', async () => {
  const large = Buffer.concat([png, Buffer.alloc(100_000)])
  const files: Record<string, (response: ServerResponse) => void> = {
    '/a.png': send('image/png', png),
    '/download?token=secret': send('application/octet-stream', png),
    '/a.html': send('text/html', Buffer.from('<html>')),
    '/a.svg': send('image/svg+xml', Buffer.from('<svg/>')),
    '/fake.png': send('image/png', Buffer.from('<html>')),
    '/a.gif': send('image/gif', Buffer.from('GIF89a123456')),
    '/gzip.png': send('image/png', png, { 'content-encoding': 'gzip' }),
    '/announced.png': send('image/png', large),
    '/unannounced.png': (response) => { response.writeHead(200, { 'content-type': 'image/png' }); response.write(png); response.end(large) },
    '/exact.png': send('image/png', Buffer.concat([png, Buffer.alloc(1_000 - png.length)])),
    '/more.png': send('image/png', Buffer.concat([png, Buffer.alloc(1_001 - png.length)])),
    '/204': (response) => { response.writeHead(204).end() },
    '/404': (response) => { response.writeHead(404, { 'content-type': 'image/png' }).end(png) },
    '/500': (response) => { response.writeHead(500).end('oops') },
    '/cut.png': (response) => { response.writeHead(200, { 'content-type': 'image/png', 'content-length': '500' }); response.write(png, () => { response.destroy() }) },
    '/hang': () => {},
    '/slow.png': (response) => { response.writeHead(200, { 'content-type': 'image/png' }); response.write(png) },
    '/no-type.png': (response) => { response.writeHead(200).end(png) },
    '/headers.png': send('image/png', png, { 'x-large': 'a'.repeat(20_000) }),
    '/r1': redirect('/a.png'),
    '/r2': redirect('/r1', 307),
    '/r3': redirect('/r2', 308),
    '/r4': redirect('/r3', 301),
    '/loop': redirect('/loop'),
    '/no-location': (response) => { response.writeHead(302).end() },
    '/to-private': redirect('http://10.0.0.1/a.png'),
    '/to-metadata': redirect('http://169.254.169.254/latest/meta-data/', 303),
    '/to-name': redirect('http://rebound.example.com/a.png'),
    '/to-file': redirect('file:///etc/passwd'),
    '/to-nothing': redirect('http://[::1'),
    '/to-credentials': redirect('http://user:password@example.com/')
  }
  const server = await startFileServer({ after }, (path, response) => { (files[path] ?? files['/404'] as (response: ServerResponse) => void)(response) })
  const other = await startFileServer({ after }, (_path, response) => { response.writeHead(200, { 'content-type': 'image/png' }).end(png) })
  files['/to-other-port'] = redirect(`${other.url}/a.png`)

  const fetchPath = (path: string, signal = AbortSignal.timeout(5_000), take: (bytes: number) => void = () => {}): Promise<FetchedFile> =>
    fetchFile({ url: server.url + path, mediaTypes: ['image/png', 'image/jpeg'] }, { allowedHosts: [server.host], fileBytesMax: 1_000, connectTimeoutMs: 1_000 }, async () => ['10.9.9.9'], take, signal)

  test('comes with its type and its bytes', async () => {
    assert.deepEqual(await fetchPath('/a.png'), { mediaType: 'image/png', bytes: png })
    assert.deepEqual(await fetchPath('/download?token=secret'), { mediaType: 'image/png', bytes: png })
    assert.deepEqual(await fetchPath('/no-type.png'), { mediaType: 'image/png', bytes: png })
  })

  test('is asked for without a word about the client or the provider', async () => {
    await fetchPath('/a.png')
    assert.deepEqual(server.requests.at(-1)?.rawHeaders, ['host', server.host, 'connection', 'keep-alive', 'user-agent', 'bifrost', 'accept', 'image/png, image/jpeg', 'accept-encoding', 'identity'])
  })

  test('at most three redirects are followed', async () => {
    assert.equal((await fetchPath('/r3')).bytes.length, png.length)
    const before = server.requests.length
    await assert.rejects(fetchPath('/r4'), { message: 'it redirects more than 3 times', host: server.host })
    await assert.rejects(fetchPath('/loop'), { message: 'it redirects more than 3 times' })
    assert.equal(server.requests.length - before, 8)
  })

  test('a redirect may only go where the first URL could have gone', async () => {
    const before = other.requests.length
    await assert.rejects(fetchPath('/to-private'), { message: 'its host has no public address' })
    await assert.rejects(fetchPath('/to-metadata'), { message: 'its host has no public address' })
    await assert.rejects(fetchPath('/to-name'), { message: 'its host has no public address', host: 'rebound.example.com' })
    await assert.rejects(fetchPath('/to-other-port'), { message: `its port is ${other.host.split(':')[1]}, not one of 80, 443, 8080, 8443` })
    await assert.rejects(fetchPath('/to-file'), { message: 'it begins with file:, not with http: or https:' })
    await assert.rejects(fetchPath('/to-credentials'), { message: 'it holds a user name or a password' })
    await assert.rejects(fetchPath('/to-nothing'), { message: 'it redirects to what is no valid URL' })
    await assert.rejects(fetchPath('/no-location'), { message: 'it answered with status 302' })
    assert.equal(other.requests.length, before)
  })

  test('what is not an image is refused', async () => {
    await assert.rejects(fetchPath('/a.html'), { message: 'its content type is text/html, not one of image/png, image/jpeg' })
    await assert.rejects(fetchPath('/a.gif'), { message: 'its content type is image/gif, not one of image/png, image/jpeg' })
    await assert.rejects(fetchPath('/fake.png'), { message: 'its bytes are not what its content type says' })
    await assert.rejects(fetchPath('/a.svg'), { message: 'its bytes are not what its content type says' })
    await assert.rejects(fetchPath('/gzip.png'), { message: 'it answered in a content encoding that was not asked for' })
  })

  test('what is too large is refused, announced or not', async () => {
    const message = 'it is larger than client.media_fetch.max_file_size_mb (1000 bytes)'
    assert.equal((await fetchPath('/exact.png')).bytes.length, 1_000)
    for (const path of ['/more.png', '/announced.png', '/unannounced.png']) {
      let taken = 0
      await assert.rejects(fetchPath(path, undefined, (bytes) => { taken += bytes }), { message }, path)
      assert.ok(taken <= (path === '/unannounced.png' ? 1_000 : 0), `${path}: ${taken}`)
    }
  })

  test('a status that is none of an answer is told', async () => {
    await assert.rejects(fetchPath('/404'), { message: 'it answered with status 404', host: server.host })
    await assert.rejects(fetchPath('/500'), { message: 'it answered with status 500' })
    await assert.rejects(fetchPath('/204'), { message: 'it answered with status 204' })
  })

  test('a connection that breaks is told by its code', async () => {
    await assert.rejects(fetchPath('/cut.png'), { message: 'the connection failed: UND_ERR_SOCKET' })
    await assert.rejects(fetchPath('/headers.png'), { message: 'the connection failed: UND_ERR_HEADERS_OVERFLOW' })
    const closed = await startFileServer({ after: () => {} }, () => {})
    closed.stop()
    await assert.rejects(fetchFile({ url: `${closed.url}/a.png`, mediaTypes: ['image/png'] }, { allowedHosts: [closed.host], fileBytesMax: 1_000, connectTimeoutMs: 1_000 }, async () => [], () => {}, AbortSignal.timeout(5_000)), { message: 'the connection failed: ECONNREFUSED' })
  })

  test('an abort ends it at once, in whatever state it is, and closes the connection', async () => {
    for (const path of ['/hang', '/slow.png']) {
      const controller = new AbortController()
      const before = server.requests.length
      const fetched = fetchPath(path, controller.signal)
      await eventually(() => server.requests.length > before, 'the server was asked')
      controller.abort(new FetchProblem('over', null))
      await assert.rejects(within(fetched, 'the fetch ends'), { message: 'over' })
    }
    await assert.rejects(fetchPath('/a.png', AbortSignal.abort(new FetchProblem('over', null))), { message: 'over' })
    await eventually(async () => await server.connections() === 0, 'no connection is left')
  })

  test('an abort does not wait for a name that nobody answers for', async () => {
    const controller = new AbortController()
    const fetched = fetchFile({ url: 'http://example.com/', mediaTypes: ['image/png'] }, { allowedHosts: [], fileBytesMax: 1_000, connectTimeoutMs: 1_000 }, () => new Promise(() => {}), () => {}, controller.signal)
    controller.abort(new FetchProblem('over', null))
    await assert.rejects(within(fetched, 'the fetch ends'), { message: 'over' })
  })
})
