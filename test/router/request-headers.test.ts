import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayError } from '../../src/errors.ts'
import { parseRoutingHeaders } from '../../src/router/request-headers.ts'

const toTimeoutMs = (headers: string[], configuredMs: number): number => Math.min(parseRoutingHeaders(headers, false).timeoutMs, configuredMs)

test('a client may ask for less time than configured, never for more', () => {
  const cases: [string[], number][] = [
    [[], 300_000],
    [['host', 'x'], 300_000],
    [['x-bf-request-timeout', '5'], 5_000],
    [['x-bf-request-timeout', '0.25'], 250],
    [['x-bf-request-timeout', '301'], 300_000],
    [['x-bf-request-timeout', '999999999.999999999'], 300_000],
    [['x-stainless-timeout', '60'], 60_000],
    [['x-stainless-timeout', '600'], 300_000],
    [['x-stainless-timeout', '30', 'x-bf-request-timeout', '20'], 20_000],
    [['x-stainless-timeout', '10', 'x-bf-request-timeout', '20'], 10_000]
  ]
  for (const [headers, expected] of cases) assert.equal(toTimeoutMs(headers, 300_000), expected, headers.join(' '))
})

test('a useless number of the SDK means no limit of its own', () => {
  for (const value of ['0', '-1', 'NaN', 'none', '', '1e3', '9999999999']) assert.equal(toTimeoutMs(['x-stainless-timeout', value], 300_000), 300_000, value)
})

test('a useless number in the gateway\'s own header is refused', () => {
  for (const value of ['0', '0.0', '-1', '5s', '', ' ', '1e3', '1,5', '1234567890', '١']) {
    assert.throws(() => toTimeoutMs(['x-bf-request-timeout', value], 300_000), (error) => {
      assert.ok(error instanceof GatewayError)
      assert.deepEqual([error.code, error.status, error.param], ['BIFROST_INVALID_HEADER', 400, 'x-bf-request-timeout'])
      assert.equal(error.message, `x-bf-request-timeout must be a number of seconds above 0, not "${value}".`)
      return true
    })
  }
  assert.throws(() => toTimeoutMs(['x-bf-request-timeout', `"${'x'.repeat(1_000)}`], 1), { message: `x-bf-request-timeout must be a number of seconds above 0, not "\\"${'x'.repeat(63)}".` })
})

test('a key is pinned by id or name; the first header of a name counts', () => {
  assert.equal(parseRoutingHeaders(['host', 'x', 'x-bf-vk', 'y'], false).pin, null)
  assert.deepEqual(parseRoutingHeaders(['x-bf-api-key', 'a', 'x-bf-api-key', 'b'], false).pin, { id: null, name: 'a' })
  assert.deepEqual(parseRoutingHeaders(['x-bf-api-key', 'a', 'x-bf-api-key-id', 'b'], false).pin, { id: 'b', name: 'a' })
})

test('the priority is normal unless the client says high or low', () => {
  const cases: [string[], string][] = [
    [[], 'normal'],
    [['x-bf-priority', 'high'], 'high'],
    [['x-bf-priority', 'normal'], 'normal'],
    [['x-bf-priority', 'low', 'x-bf-priority', 'high'], 'low']
  ]
  for (const [headers, expected] of cases) assert.equal(parseRoutingHeaders(headers, false).priority, expected, headers.join(' '))
})

test('a priority that there is not is refused', () => {
  for (const value of ['', 'HIGH', 'urgent', '1', 'high,low', '__proto__', '"']) {
    assert.throws(() => parseRoutingHeaders(['x-bf-priority', value], false), (error) => {
      assert.ok(error instanceof GatewayError)
      assert.deepEqual([error.code, error.status, error.param], ['BIFROST_INVALID_HEADER', 400, 'x-bf-priority'])
      assert.equal(error.message, `x-bf-priority must be high, normal or low, not ${JSON.stringify(value)}.`)
      return true
    })
  }
})
