import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { startTestGateway } from '../helpers/gateway.ts'
import { sdk, sendJson, startCaptureUpstream } from './capture-upstream.ts'
import type { CapturedRequest } from './capture-upstream.ts'
import { checkSignature } from './matrix/providers/bedrock-signature.ts'

/** OpenAI's SDK gets its images from Bedrock. */
const upstream = await startCaptureUpstream({ after })
const credentials = { access_key: 'AKIDEXAMPLE', secret_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const gateway = await startTestGateway({ after }, {
  providers: {
    bedrock: { keys: [{ bedrock_key_config: { region: 'us-east-1', ...credentials } }], network_config: { base_url: upstream.url, allow_private_network: true, max_retries: 0 } },
    openai: { keys: [{ value: 'sk-a' }], network_config: { base_url: upstream.url, allow_private_network: true, max_retries: 0 } }
  }
})
const client = sdk(gateway.url)
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const pngText = png.toString('base64')
const nova = 'bedrock/amazon.nova-canvas-v1:0'

beforeEach(() => {
  upstream.requests.length = 0
  upstream.answer = (response) => { sendJson(response, 200, { images: [pngText], error: null }) }
})

/** @returns the body of the last request, which has to be JSON and signed */
function signedBody (): unknown {
  const request = upstream.requests.at(-1) as CapturedRequest
  checkSignature(request, { accessKey: credentials.access_key, secretKey: credentials.secret_key, region: 'us-east-1' })
  assert.deepEqual([request.headers['content-type'], request.headers.accept], ['application/json', 'application/json'])
  return JSON.parse(request.body)
}

const droppedOf = (answer: unknown): unknown => (answer as { extra_fields: { dropped_params?: unknown } }).extra_fields.dropped_params

test('an image is made', async () => {
  const answer = await client.images.generate({ model: nova, prompt: 'A cat', n: 1, size: '1024x1536', quality: 'high', response_format: 'url', user: 'u' })
  assert.deepEqual(answer.data, [{ b64_json: pngText }])
  assert.equal(answer.output_format, 'png')
  assert.ok(Math.abs(answer.created - Date.now() / 1000) < 60)
  assert.deepEqual(droppedOf(answer), ['response_format', 'user'])
  assert.equal((answer as unknown as { extra_fields: { request_type: string } }).extra_fields.request_type, 'image_generation')
  assert.deepEqual(signedBody(), { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'A cat' }, imageGenerationConfig: { numberOfImages: 1, width: 1024, height: 1536, quality: 'premium' } })
  assert.equal(upstream.requests[0]?.path, '/model/amazon.nova-canvas-v1%3A0/invoke')
})

test('an image is edited inside its mask', async () => {
  const answer = await client.images.edit({ model: nova, image: await toFile(png, 'a.png', { type: 'image/png' }), mask: await toFile(Buffer.from('mask'), 'm.png', { type: 'image/png' }), prompt: 'Ein Hut für sie', n: 2 })
  assert.deepEqual(answer.data, [{ b64_json: pngText }])
  assert.equal(droppedOf(answer), undefined)
  assert.deepEqual(signedBody(), { taskType: 'INPAINTING', inPaintingParams: { text: 'Ein Hut für sie', image: pngText, maskImage: 'bWFzaw==' }, imageGenerationConfig: { numberOfImages: 2 } })
})

test('an image is varied', async () => {
  const answer = await client.images.createVariation({ model: 'bedrock/amazon.titan-image-generator-v2:0', image: await toFile(png, 'a.png', { type: 'image/png' }), size: '512x512' })
  assert.deepEqual(answer.data, [{ b64_json: pngText }])
  assert.deepEqual(signedBody(), { taskType: 'IMAGE_VARIATION', imageVariationParams: { images: [pngText] }, imageGenerationConfig: { width: 512, height: 512 } })
})

test('Stability draws, and changes what is drawn', async () => {
  upstream.answer = (response) => { sendJson(response, 200, { seeds: [2130420379], finish_reasons: [null], images: [pngText] }) }
  const made = await client.images.generate({ model: 'bedrock/stability.sd3-5-large-v1:0', prompt: 'A cat', size: '1024x1024', output_format: 'png' })
  assert.deepEqual([made.data, signedBody()], [[{ b64_json: pngText }], { mode: 'text-to-image', prompt: 'A cat', aspect_ratio: '1:1', output_format: 'png' }])
  const body = { model: 'bedrock/stability.sd3-5-large-v1:0', image: await toFile(png, 'a.png', { type: 'image/png' }), prompt: 'A hat', strength: 0.5 }
  await client.images.edit(body)
  assert.deepEqual(signedBody(), { mode: 'image-to-image', image: pngText, strength: 0.5, prompt: 'A hat' })
})

test('members that the gateway does not know go along where the client wants it', async () => {
  const body = { model: nova, prompt: 'A cat', imageGenerationConfig: { cfgScale: 9 } }
  await client.images.generate(body, { headers: { 'x-bf-passthrough-extra-params': 'true' } })
  assert.deepEqual(signedBody(), { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'A cat' }, imageGenerationConfig: { cfgScale: 9 } })
})

test('what a filter holds back is a refusal, whether Bedrock says so before or after', async () => {
  const words = 'This request has been blocked by our content filters. Please adjust your text prompt to submit a new request.'
  const answers: [string, number, object, Record<string, string>][] = [
    [nova, 200, { images: [], error: 'All of the generated images have been blocked by our content filters.' }, {}],
    ['bedrock/stability.stable-image-core-v1:1', 200, { finish_reasons: ['Filter reason: prompt'] }, {}],
    [nova, 400, { message: words }, { 'x-amzn-errortype': 'ValidationException' }]
  ]
  for (const [model, status, body, headers] of answers) {
    upstream.answer = (response) => { sendJson(response, status, body, headers) }
    await assert.rejects(client.images.generate({ model, prompt: 'A cat' }), (error) => error instanceof OpenAI.BadRequestError && error.code === 'content_filter')
  }
})

test('an image that failed is tried elsewhere', async () => {
  upstream.answer = (response, { path }) => {
    if (path.startsWith('/model/')) sendJson(response, 200, { finish_reasons: ['Inference error'] })
    else sendJson(response, 200, { created: 1, data: [{ b64_json: 'aGk=' }] })
  }
  const body = { model: 'bedrock/stability.stable-image-core-v1:1', prompt: 'A cat', fallbacks: ['openai/gpt-image-1'] }
  assert.deepEqual((await client.images.generate(body)).data, [{ b64_json: 'aGk=' }])
  assert.deepEqual(upstream.requests.map(({ path }) => path), ['/model/stability.stable-image-core-v1%3A1/invoke', '/v1/images/generations'])
})

test('what cannot be asked is refused by name, and nothing is sent', async () => {
  const image = await toFile(png, 'a.png', { type: 'image/png' })
  const refusals: [() => Promise<unknown>, string | null, RegExp][] = [
    [async () => await client.images.generate({ model: nova, prompt: 'A cat', n: 6 }), 'n', /^400 n must be a whole number from 1 to 5 for amazon\.nova-canvas-v1:0, not 6\.$/],
    [async () => await client.images.generate({ model: nova, prompt: 'A cat', stream: true }), 'stream', /^400 stream must be false for bedrock: it has images only as a whole\.$/],
    [async () => await client.images.edit({ model: nova, image, prompt: 'A hat', stream: true }), 'stream', /^400 stream must be false for bedrock/],
    [async () => await client.images.edit({ model: 'bedrock/stability.stable-image-core-v1:1', image, prompt: 'A hat' }), 'model', /^400 image_edit of stability\.stable-image-core-v1:1 is not supported by bedrock\.$/],
    [async () => await client.images.generate({ model: 'bedrock/amazon.nova-pro-v1:0', prompt: 'A cat' }), null, /^400 image_generation of amazon\.nova-pro-v1:0 in the words of openai is not supported by bedrock\.$/]
  ]
  for (const [run, param, message] of refusals) await assert.rejects(run, (error) => error instanceof OpenAI.BadRequestError && error.param === param && (assert.match(error.message, message), true))
  assert.equal(upstream.requests.length, 0)
})
