import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ImageRequest, MediaFile } from '../../src/api/media.ts'
import { GatewayError } from '../../src/errors.ts'
import { createBedrockFamily } from '../../src/providers/bedrock/provider.ts'
import type { ImageProvider } from '../../src/providers/family.ts'
import { createBedrockProvider, createContext } from './bedrock-calls.ts'

/** Bodies are those of Amazon's user guides: "Amazon Titan Image Generator G1 models", "Image generation" of Nova, "Stability AI models" and "Stability AI Image Services". */
const family = createBedrockFamily(createBedrockProvider())
const titan = 'amazon.titan-image-generator-v2:0'
const nova = 'amazon.nova-canvas-v1:0'
const sd35 = 'stability.sd3-5-large-v1:0'
const core = 'stability.stable-image-core-v1:1'
const file = (text: string): MediaFile => ({ name: 'a.png', contentType: 'image/png', bytes: Buffer.from(text) })
const [one, two] = [file('one'), file('two')]
const [oneText, twoText] = ['b25l', 'dHdv']

type Asked = Partial<Omit<ImageRequest, 'model'>>

const generate = (options: Asked['options'] = {}): Asked => ({ operation: 'image_generation', prompt: 'a cat', options })
const edit = (options: Asked['options'] = {}, more: Asked = {}): Asked => ({ operation: 'image_edit', prompt: 'a hat', images: [one], options, ...more })
const vary = (options: Asked['options'] = {}, more: Asked = {}): Asked => ({ operation: 'image_variation', images: [one], options, ...more })

function ask (model: string, asked: Asked, passExtraParams = false): { path: string, body: unknown, dropped: string[] } {
  const dropped: string[] = []
  const request = { operation: 'image_generation', model, prompt: '', images: [], mask: null, options: {}, ...asked } as ImageRequest
  const { url, body } = (family.image?.(model) as ImageProvider).toImageRequest(request, createContext(dropped, { model, passExtraParams }))
  return { path: url.pathname, body: JSON.parse(JSON.stringify(body)), dropped: dropped.sort() }
}

const rows: [string, string, Asked, object, string[]?][] = [
  ['words alone', nova, generate(), { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' }, imageGenerationConfig: {} }],
  [
    'all that Nova has a word for', nova,
    generate({ n: 5, size: '1792x1024', quality: 'hd', seed: 7, cfg_scale: 6.5, negative_prompt: 'dogs', style: 'PHOTOREALISM', response_format: 'b64_json', output_format: 'png' }),
    { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat', negativeText: 'dogs', style: 'PHOTOREALISM' }, imageGenerationConfig: { numberOfImages: 5, width: 1792, height: 1024, quality: 'premium', cfgScale: 6.5, seed: 7 } }
  ],
  [
    'what Nova has no word for', nova,
    generate({ size: '256x256', quality: 'low', style: 'vivid', response_format: 'url', output_format: 'webp', output_compression: 50, background: 'transparent', moderation: 'low', user: 'u', partial_images: 2, other: 1 }),
    { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' }, imageGenerationConfig: { quality: 'standard' } },
    ['background', 'moderation', 'other', 'output_compression', 'output_format', 'partial_images', 'response_format', 'size', 'style', 'user']
  ],
  [
    'members that ask for nothing', titan,
    generate({ n: null, size: 'auto', quality: 'auto', background: 'auto', moderation: 'auto', partial_images: 0, stream: false, response_format: null }),
    { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' }, imageGenerationConfig: {} }
  ],
  ['Titan has no styles', titan, generate({ style: 'PHOTOREALISM' }), { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' }, imageGenerationConfig: {} }, ['style']],
  ['names of the Go original', titan, generate({ cfgScale: 8 }), { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat' }, imageGenerationConfig: { cfgScale: 8 } }],
  [
    'an edit inside a mask', nova, edit({ n: '2', quality: 'high', seed: '5' }, { mask: two }),
    { taskType: 'INPAINTING', inPaintingParams: { text: 'a hat', image: oneText, maskImage: twoText }, imageGenerationConfig: { numberOfImages: 2, quality: 'premium', seed: 5 } }
  ],
  ['an edit where words say', titan, edit({ mask_prompt: 'the head' }), { taskType: 'INPAINTING', inPaintingParams: { text: 'a hat', image: oneText, maskPrompt: 'the head' }, imageGenerationConfig: {} }],
  ['a mask is more than words', titan, edit({ mask_prompt: 'the head' }, { mask: two }), { taskType: 'INPAINTING', inPaintingParams: { text: 'a hat', image: oneText, maskImage: twoText }, imageGenerationConfig: {} }, ['mask_prompt']],
  [
    'an edit of everything', titan, edit({ similarity_strength: '0.7', negative_prompt: 'dogs' }, { images: [one, two] }),
    { taskType: 'IMAGE_VARIATION', imageVariationParams: { text: 'a hat', negativeText: 'dogs', images: [oneText, twoText], similarityStrength: 0.7 }, imageGenerationConfig: {} }
  ],
  [
    'an edit outside a mask', nova, edit({ type: 'outpainting', outpainting_mode: 'precise' }, { mask: two }),
    { taskType: 'OUTPAINTING', outPaintingParams: { text: 'a hat', image: oneText, maskImage: twoText, outPaintingMode: 'PRECISE' }, imageGenerationConfig: {} }
  ],
  ['an edit that takes the background away', nova, edit({ type: 'background_removal', n: '1' }, { mask: two }), { taskType: 'BACKGROUND_REMOVAL', backgroundRemovalParams: { image: oneText } }, ['mask', 'n', 'prompt']],
  ['a variation', titan, vary({ n: '3', size: '512x512' }), { taskType: 'IMAGE_VARIATION', imageVariationParams: { images: [oneText] }, imageGenerationConfig: { numberOfImages: 3, width: 512, height: 512 } }],
  [
    'all that Stable Diffusion has a word for', sd35, generate({ n: 1, size: '1536x1024', seed: 7, negative_prompt: 'dogs', output_format: 'jpeg' }),
    { mode: 'text-to-image', prompt: 'a cat', negative_prompt: 'dogs', seed: 7, aspect_ratio: '3:2', output_format: 'jpeg' }
  ],
  ['what it has no word for', sd35, generate({ size: '4096x1024', quality: 'hd', style: 'vivid', output_format: 'webp' }), { mode: 'text-to-image', prompt: 'a cat' }, ['output_format', 'quality', 'size', 'style']],
  ['a ratio is more than a size', sd35, generate({ size: '1024x1024', aspect_ratio: '21:9' }), { mode: 'text-to-image', prompt: 'a cat', aspect_ratio: '21:9' }, ['size']],
  ['Stable Image Core', core, generate({ size: '1024x1792' }), { prompt: 'a cat', aspect_ratio: '9:16' }],
  ['Stable Image Ultra in a region', 'us.stability.stable-image-ultra-v1:1', generate(), { prompt: 'a cat' }],
  ['an edit by Stable Diffusion', sd35, edit({ strength: '0.4', size: '1024x1024' }), { mode: 'image-to-image', image: oneText, strength: 0.4, prompt: 'a hat' }, ['size']],
  ['an edit by Stable Diffusion that does not say how much', 'stability.sd3-large-v1:0', edit({}, { mask: two }), { mode: 'image-to-image', image: oneText, strength: 0.75, prompt: 'a hat' }, ['mask']],
  ['inpainting by Stability', 'us.stability.stable-image-inpaint-v1:0', edit({ grow_mask: '5', output_format: 'webp', seed: '1' }, { mask: two }), { image: oneText, prompt: 'a hat', seed: 1, mask: twoText, grow_mask: 5, output_format: 'webp' }],
  ['erasing by Stability', 'stability.stable-image-erase-object-v1:0', edit({}, { mask: two }), { image: oneText, mask: twoText }, ['prompt']],
  ['taking the background away by Stability', 'stability.stable-image-remove-background-v1:0', edit({}, { prompt: '', mask: two }), { image: oneText }, ['mask']],
  ['replacing by Stability', 'stability.stable-image-search-replace-v1:0', edit({ search_prompt: 'the cap' }), { image: oneText, prompt: 'a hat', search_prompt: 'the cap' }],
  ['coloring by Stability', 'stability.stable-image-search-recolor-v1:0', edit({ select_prompt: 'the cap' }), { image: oneText, prompt: 'a hat', select_prompt: 'the cap' }],
  ['drawing after a sketch', 'stability.stable-image-control-sketch-v1:0', edit({ control_strength: '0.7' }), { image: oneText, prompt: 'a hat', control_strength: 0.7 }],
  ['drawing in a style', 'stability.stable-image-style-guide-v1:0', edit({ size: '1024x1536', fidelity: '0.5' }), { image: oneText, prompt: 'a hat', aspect_ratio: '2:3', fidelity: 0.5 }],
  ['the style of another image', 'stability.stable-style-transfer-v1:0', edit({ style_strength: '1' }, { images: [one, two] }), { init_image: oneText, style_image: twoText, prompt: 'a hat', style_strength: 1 }],
  ['more around it', 'stability.stable-outpaint-v1:0', edit({ left: '200', creativity: '0.5' }, { prompt: '' }), { image: oneText, left: 200, creativity: 0.5 }],
  ['larger', 'stability.stable-fast-upscale-v1:0', edit({ creativity: '0.5' }, { prompt: '' }), { image: oneText }, ['creativity']]
]

describe('a request in the words of the model', () => {
  for (const [name, model, asked, body, dropped = []] of rows) {
    test(`${name}: ${model}`, () => {
      assert.deepEqual(ask(model, asked), { path: `/model/${model.replaceAll(':', '%3A')}/invoke`, body, dropped })
    })
  }
})

// Nova: edges of 320 to 4096 pixels that 16 divides, 1:4 to 4:1, at most 4,194,304 pixels. Titan: a list.
const sizes: [string, string, object | null][] = [
  [nova, '320x320', { width: 320, height: 320 }],
  [nova, '4096x1024', { width: 4096, height: 1024 }],
  [nova, '2048x2048', { width: 2048, height: 2048 }],
  [nova, '304x304', null],
  [nova, '1000x1000', null],
  [nova, '2064x2048', null],
  [nova, '2048x496', null],
  [nova, '4112x1024', null],
  [titan, '1024x1024', { width: 1024, height: 1024 }],
  [titan, '1173x640', { width: 1173, height: 640 }],
  [titan, '384x704', { width: 384, height: 704 }],
  // By shape, then by area.
  [titan, '256x256', { width: 512, height: 512 }],
  [titan, '1536x1024', { width: 1152, height: 768 }],
  [titan, '1024x1792', { width: 768, height: 1408 }],
  [titan, '1792x1024', { width: 1152, height: 640 }],
  [titan, '4096x1024', null],
  [titan, '0x1024', null],
  [titan, 'large', null],
  [titan, '1024X1024', null]
]
for (const [model, size, expected] of sizes) {
  test(`${model} draws ${size} as ${JSON.stringify(expected)}`, () => {
    const { body, dropped } = ask(model, generate({ size }))
    assert.deepEqual([(body as { imageGenerationConfig: object }).imageGenerationConfig, dropped], expected === null ? [{}, ['size']] : [expected, []])
  })
}

for (const [size, ratio] of [['1024x1024', '1:1'], ['256x256', '1:1'], ['1536x1024', '3:2'], ['1024x1536', '2:3'], ['1792x1024', '16:9'], ['1024x1792', '9:16'], ['1024x768', '5:4'], ['2560x1080', '21:9'], ['1080x2520', '9:21']] as const) {
  test(`Stability draws ${size} as ${ratio}`, () => {
    assert.deepEqual(ask(core, generate({ size })), { path: '/model/stability.stable-image-core-v1%3A1/invoke', body: { prompt: 'a cat', aspect_ratio: ratio }, dropped: [] })
  })
}

test('members that the gateway does not know go along where the client wants it, and replace none', () => {
  const asked = generate({ seed: 1, user: 'u', imageGenerationConfig: { cfgScale: 9, seed: 2 }, textToImageParams: { controlMode: 'CANNY_EDGE' }, taskType: 'OTHER', extra: '5' })
  assert.deepEqual(ask(nova, asked, true).body, { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'a cat', controlMode: 'CANNY_EDGE' }, imageGenerationConfig: { cfgScale: 9, seed: 1 }, extra: '5' })
  assert.deepEqual(ask(nova, asked, true).dropped, ['user'])
  assert.deepEqual(ask(nova, asked).dropped, ['extra', 'imageGenerationConfig', 'taskType', 'textToImageParams', 'user'])
})

test('members of a form go along as JSON where they are JSON', () => {
  const { body } = ask(sd35, edit({ cfg: '5', on: 'true', list: '[1]', text: 'blue', quoted: '"5"' }), true)
  assert.deepEqual(body, { mode: 'image-to-image', image: oneText, strength: 0.75, prompt: 'a hat', cfg: 5, on: true, list: [1], text: 'blue', quoted: '5' })
})

const refused: [string, Asked, string, string][] = [
  [nova, generate({ n: 6 }), 'n', `n must be a whole number from 1 to 5 for ${nova}, not 6.`],
  [nova, generate({ n: 0 }), 'n', `n must be a whole number from 1 to 5 for ${nova}, not 0.`],
  [nova, generate({ n: 1.5 }), 'n', `n must be a whole number from 1 to 5 for ${nova}, not 1.5.`],
  [nova, generate({ n: '2' }), 'n', 'n must be a number, not "2".'],
  [nova, vary({ n: 'two' }), 'n', 'n must be a number, not "two".'],
  [sd35, generate({ n: 2 }), 'n', `n must be 1 for ${sd35}, not 2.`],
  [nova, generate({ seed: 'x' }), 'seed', 'seed must be a number, not "x".'],
  [nova, edit({ seed: ' ' }), 'seed', 'seed must be a number, not " ".'],
  [nova, generate({ negative_prompt: ['dogs'] }), 'negative_prompt', 'negative_prompt must be text, not ["dogs"].'],
  [nova, edit({ type: 'repainting' }), 'type', 'type must be one of inpainting, outpainting, background_removal, not "repainting".'],
  [nova, edit({ type: 'inpainting' }), 'mask', `mask is required for this edit by ${nova}, as a file of the form; or mask_prompt, which says in words where it is.`],
  [nova, edit({}, { images: [one, two], mask: two }), 'image', `image must be one file for this edit by ${nova}, not 2.`],
  [nova, edit({}, { images: [one, one, one, one, one, one] }), 'image', `image must be at most 5 files for ${nova}, not 6.`],
  [sd35, edit({}, { images: [one, two] }), 'image', `image must be one file for this edit by ${sd35}, not 2.`],
  ['stability.stable-style-transfer-v1:0', edit(), 'image', 'image must be two files for stability.stable-style-transfer-v1:0, the image and the one that has the style, not 1.']
]
for (const [model, asked, param, message] of refused) {
  test(`${model} refuses it: ${message}`, () => {
    assert.throws(() => ask(model, asked), { code: 'BIFROST_INVALID_REQUEST', status: 400, param, message })
  })
}

test('what a model does not do is refused by name', () => {
  for (const [model, asked] of [[core, edit()], [sd35, vary()], ['stability.stable-image-inpaint-v1:0', generate()], ['stability.stable-outpaint-v1:0', vary()]] as const) {
    assert.throws(() => ask(model, asked), { code: 'BIFROST_UNSUPPORTED_OPERATION', status: 400, param: 'model', message: `${asked.operation} of ${model} is not supported by bedrock.` })
  }
  for (const model of ['anthropic.claude-haiku-4-5-20251001-v1:0', 'amazon.titan-embed-image-v1', 'amazon.nova-pro-v1:0', 'stability.stable-diffusion-xl-v1']) assert.equal(family.image?.(model), null)
  for (const model of ['arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-canvas-v1:0', 'arn:aws:bedrock:us-west-2::foundation-model/stability.sd3-5-large-v1:0']) assert.notEqual(family.image?.(model), null)
})

function read (body: unknown): unknown {
  return (family.image?.(nova) as ImageProvider).fromImageReply(body, { operation: 'image_generation', model: nova, prompt: 'a cat', images: [], mask: null, options: {} })
}

test('images come back as base64, with their format', () => {
  assert.deepEqual(read({ images: ['iVBORw0KGgoA', 'iVBORw0KGgoB'], error: null }), { created: 0, data: [{ b64_json: 'iVBORw0KGgoA' }, { b64_json: 'iVBORw0KGgoB' }], output_format: 'png' })
  assert.deepEqual(read({ images: ['/9j/4AAQ'], seeds: [2130420379], finish_reasons: [null] }), { created: 0, data: [{ b64_json: '/9j/4AAQ' }], output_format: 'jpeg' })
  assert.deepEqual(read({ images: ['UklGRgAA'], seeds: [1], finish_reasons: [null] }), { created: 0, data: [{ b64_json: 'UklGRgAA' }], output_format: 'webp' })
  assert.deepEqual(read({ images: ['aGk='] }), { created: 0, data: [{ b64_json: 'aGk=' }] })
  assert.deepEqual(read({ images: ['aGk='], error: 'Some of the generated images have been blocked by our content filters.' }), { created: 0, data: [{ b64_json: 'aGk=' }] })
})

const failures: [unknown, string, number, string | null, string][] = [
  [{ images: [], error: 'All of the generated images have been blocked by our content filters.' }, 'BIFROST_UPSTREAM_STATUS', 400, 'content_filter', 'bedrock drew no image: All of the generated images have been blocked by our content filters.'],
  [{ finish_reasons: ['Filter reason: prompt'] }, 'BIFROST_UPSTREAM_STATUS', 400, 'content_filter', 'bedrock drew no image: Filter reason: prompt'],
  [{ images: ['aGk='], seeds: [1], finish_reasons: ['Filter reason: output image'] }, 'BIFROST_UPSTREAM_STATUS', 400, 'content_filter', 'bedrock drew no image: Filter reason: output image'],
  [{ finish_reasons: ['Inference error'] }, 'BIFROST_UPSTREAM_STATUS', 502, null, 'bedrock drew no image: Inference error'],
  [{ Output: { __type: 'com.amazon.coral.service#ThrottlingException', message: 'slow down' } }, 'BIFROST_UPSTREAM_STATUS', 429, null, 'slow down'],
  ...[null, 5, [], {}, { images: 'aGk=' }, { images: [''] }, { images: [5], error: 7, finish_reasons: 'x' }].map((body): [unknown, string, number, null, string] => [body, 'BIFROST_UPSTREAM_BAD_RESPONSE', 502, null, 'bedrock sent an answer that its API does not define: no images.'])
]
for (const [body, code, status, upstreamCode, message] of failures) {
  test(`an answer without an image is an error: ${JSON.stringify(body)}`, () => {
    assert.throws(() => read(body), (error) => error instanceof GatewayError && (assert.deepEqual({ code: error.code, status: error.status, upstreamCode: error.upstreamCode, message: error.message }, { code, status, upstreamCode, message }), true))
  })
}
