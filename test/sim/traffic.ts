import type { GatewayRequest } from '../../src/api/client.ts'
import { parseRequest } from '../../src/api/parse-request.ts'
import type { ModelReference } from '../../src/api/settings.ts'
import type { Gateway } from '../../src/gateway.ts'
import { models } from './scenario.ts'
import { SimClient } from './sim-client.ts'
import type { Ask, World } from './world.ts'
import { openAiRoute } from '../helpers/routes.ts'

/** Fallbacks that a request may have, the primary beside them. */
const targetsMax = 11

/** Sends the scenario's requests one after the other, now and then many at once; `onDone` comes with the last one. */
export function startTraffic (world: World, gateway: Gateway, onDone: () => void): void {
  const { clock, draw, scenario } = world
  const arrive = (): void => {
    const burst = draw.chance(scenario.burstShare) ? draw.int(5, 80) : 1
    for (let index = 0; index < burst && world.asks.length < scenario.requests; index++) send(world, gateway)
    if (world.asks.length >= scenario.requests) return onDone()
    clock.after(draw.exponential(scenario.arrivalMs * burst), arrive)
  }
  clock.after(draw.exponential(scenario.arrivalMs), arrive)
}

function send (world: World, gateway: Gateway): void {
  const { scenario, draw, clock } = world
  const { ask, request } = createRequest(world)
  world.asks.push(ask)
  world.open.add(ask)
  world.note(`arrive ${ask.id}: ${ask.hops.join(', ')}${ask.stream ? ' stream' : ''}${ask.pin === null ? '' : ` pin ${ask.pin}`}, ${ask.deadlineMs - ask.receivedAtMs} ms`)
  const client = new SimClient(world, ask, draw.chance(scenario.slowReaderShare) ? draw.exponential(150) : 0)
  const run = gateway.handle(request, client)
  ask.run = run
  client.watcher = run
  run.start()
  if (draw.chance(scenario.leaverShare)) {
    const code = draw.chance(0.9) ? 'BIFROST_CLIENT_CLOSED' : 'BIFROST_SLOW_CLIENT'
    clock.after(draw.exponential(scenario.patienceMs), () => { client.leave(code) })
  }
}

function createRequest (world: World): { ask: Ask, request: GatewayRequest } {
  const { scenario, draw, nowMs } = world
  const { current: generation } = world.generations
  const { providers, client } = generation.settings
  const id = world.asks.length
  const stream = draw.chance(scenario.streamShare)
  const primary = draw.chance(0.6) ? providers[0] as typeof providers[0] : draw.pick(providers)
  const model = draw.pick(models)
  const own = draw.chance(scenario.ownFallbackShare) ? Array.from({ length: draw.int(0, 4) }, () => draw.chance(0.05) ? 'nobody/m0' : `${draw.pick(providers)?.name}/${draw.pick(models)}`) : null
  const pin = draw.chance(scenario.pinShare) ? draw.chance(0.1) ? 'no-such-key' : draw.pick(primary?.keys ?? []).name : null
  const askedMs = draw.chance(scenario.deadlineShare) ? draw.int(20, 5_000) : Infinity
  const { features } = scenario
  const priority = features.priorities ? draw.weighted({ high: 1, normal: 2, low: 1 }) : 'normal'
  const removed = features.reloads ? scenario.settings.providers.filter(({ name }) => !providers.some((one) => one.name === name)) : []
  const isServed = removed.length === 0 || !draw.chance(0.03)
  const headers = ['content-type', 'application/json']
  if (priority !== 'normal' || (features.priorities && draw.chance(0.2))) headers.push('x-bf-priority', priority)
  if (pin !== null) headers.push('x-bf-api-key', pin)
  if (askedMs < Infinity) headers.push(draw.chance(0.5) ? 'x-bf-request-timeout' : 'x-stainless-timeout', String(askedMs / 1_000))
  const fallbacks = isServed ? primary?.fallbacks : undefined
  const configured = fallbacks?.byModel[model] ?? fallbacks?.general ?? []
  const name = `${isServed ? primary?.name : draw.pick(removed).name}/${model}`
  const body = Buffer.from(JSON.stringify({ user: String(id), model: name, messages: [], ...stream ? { stream } : {}, ...own === null ? {} : { fallbacks: own } }))
  const ask: Ask = {
    id,
    generation,
    priority,
    isServed,
    receivedAtMs: nowMs,
    deadlineMs: nowMs + Math.min(askedMs, client.requestTimeoutMs),
    stream,
    pin,
    hops: [name, ...own ?? configured.map(toName)].slice(0, targetsMax),
    specialHops: { context: (fallbacks?.contextLength ?? []).map(toName), policy: (fallbacks?.contentPolicy ?? []).map(toName) },
    replaced: false,
    run: null,
    notes: [],
    ending: null,
    endedAtMs: -1,
    opened: false,
    heldBytes: 0,
    takenAtMs: 0,
    code: 'ok'
  }
  return { ask, request: { id: `sim-${id}`, dialect: 'openai', defaultProvider: null, method: 'POST', resource: '', passthroughTo: null, jsonArray: false, operation: 'chat_completion', headers, body, parsed: parseRequest(openAiRoute('chat_completion'), body), receivedAtMs: nowMs } }
}

function toName ({ provider, model }: ModelReference): string {
  return `${provider}/${model}`
}
