import type { ChatSink } from '../../src/api/chat-sink.ts'
import type { StreamEventKind } from '../../src/api/framing.ts'
import type { BedrockSettings, ProviderSettings } from '../../src/api/settings.ts'
import { BedrockChatDecoder } from '../../src/providers/bedrock/chat-decoder.ts'
import type { TranslationContext } from '../../src/providers/family.ts'
import { LengthSplitter } from '../../src/upstream/length-splitter.ts'
import { createKey, createProvider } from '../router/settings.ts'

export const bedrockSettings: BedrockSettings = {
  kind: 'bedrock', region: 'eu-central-1', accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: '', arn: '', roleArn: '', externalId: '', sessionName: '', stsEndpoint: ''
}

export function createBedrockProvider (cloud: Partial<BedrockSettings> = {}, value = ''): ProviderSettings {
  return createProvider('bedrock', {
    kind: 'bedrock',
    baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
    keys: [createKey({ value, cloud: { ...bedrockSettings, ...cloud } })],
    operations: ['chat_completion', 'embedding', 'rerank', 'count_tokens']
  })
}

/** Writes down what a translation drops. */
export function createContext (drops: string[], extra: Partial<TranslationContext> = {}): TranslationContext {
  return { model: 'm', keyIndex: 0, stream: false, passExtraParams: false, drop: (member) => { if (!drops.includes(member)) drops.push(member) }, ...extra }
}

export interface Decoded {
  decoder: BedrockChatDecoder
  calls: unknown[]
  kinds: StreamEventKind[]
}

/** Runs pieces of a stream through splitter and decoder, as the attempt does. */
export function decode (pieces: readonly Uint8Array[]): Decoded {
  const decoder = new BedrockChatDecoder('bedrock')
  const calls: unknown[] = []
  const kinds: StreamEventKind[] = []
  const sink: ChatSink = {
    start: (id, model) => { calls.push(['start', id, model]) },
    delta: (choice, delta) => { calls.push(['delta', choice, delta]) },
    finish: (choice, reason, detail) => { calls.push(['finish', choice, reason, detail]) },
    usage: (usage) => { calls.push(['usage', usage]) }
  }
  const splitter = new LengthSplitter(1 << 20)
  for (const piece of pieces) splitter.push(piece, (event) => { if (decoder.error === null) kinds.push(decoder.decode(event, sink)) })
  return { decoder, calls: JSON.parse(JSON.stringify(calls)) as unknown[], kinds }
}
