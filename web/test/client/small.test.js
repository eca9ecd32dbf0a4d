/** The small pure parts: backoff, lifetimes, memory of what was seen, events, options. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fullJitter } from '../../client/backoff.js'
import { Emitter } from '../../client/emitter.js'
import { renewAt, rollAt } from '../../client/lifetime.js'
import { settingsFrom } from '../../client/options.js'
import { Seen } from '../../client/seen.js'

const RULE = { firstMs: 1_000, capMs: 30_000 }

test('the wait is drawn from an interval that doubles up to the cap', () => {
  const ceiling = (failures) => fullJitter(failures, RULE, () => 1)
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 60].map(ceiling),
    [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
  )
  assert.equal(
    fullJitter(60, RULE, () => 0),
    0
  )
  assert.equal(
    fullJitter(3, RULE, () => 0.25),
    1_000
  )
})

test('credentials are renewed at 75 to 90 % of their life, connections replaced up to a tenth early', () => {
  const hour = { fetchedAt: 1_000_000, expiresAt: 1_000_000 + 3_600_000 }
  assert.deepEqual(
    [0, 1].map((random) => renewAt(hour, random) - hour.fetchedAt),
    [2_700_000, 3_240_000]
  )
  assert.deepEqual(
    [0, 1].map((random) => rollAt(0, 1_000, random)),
    [1_000, 900]
  )
})

test('a key is new once, and again after as many others as are remembered', () => {
  const seen = new Seen(2)
  assert.deepEqual(
    ['a', 'a', 'b', 'a', 'c', 'a'].map((key) => seen.add(key)),
    [true, false, true, false, true, true]
  )
})

test('on gives its undo, also from within a listener', () => {
  const emitter = new Emitter(['tick'])
  const heard = []
  const undo = emitter.on('tick', (n) => {
    heard.push(n)
    undo()
  })
  emitter.on('tick', (n) => heard.push(-n))
  emitter.emit('tick', 1)
  emitter.emit('tick', 2)
  assert.deepEqual(heard, [1, -1, -2])
})

test('a listener that throws stops nobody, and the page hears of it as an uncaught error', (context) => {
  const uncaught = []
  context.mock.method(globalThis, 'queueMicrotask', (fn) => uncaught.push(fn))
  const emitter = new Emitter(['tick'])
  const heard = []
  emitter.on('tick', () => {
    throw new Error('the page’s own bug')
  })
  emitter.on('tick', (n) => heard.push(n))
  emitter.emit('tick', 1)
  assert.deepEqual(heard, [1])
  assert.throws(uncaught[0], /the page’s own bug/)
})

test('an unknown event name or a listener that is no function fails at once', () => {
  assert.throws(() => new Emitter(['tick']).on('tock', () => {}), /no event "tock"; there are tick/)
  assert.throws(() => new Emitter(['tick']).on('tick', 'fn'), TypeError)
})

const SOCKET = { WebSocket: class {} }
const OPTIONS = { credentialsUrl: '/credentials', getToken: () => 't', ...SOCKET }

for (const [what, options, message] of [
  ['no WebSocket', { ...OPTIONS, WebSocket: undefined, env: { WebSocket: undefined } }, /WebSocket/],
  ['MQTT 4', { ...OPTIONS, mqttVersion: 4 }, /mqttVersion/],
  ['a session of minus one second', { ...OPTIONS, sessionExpiryS: -1 }, /sessionExpiryS/],
  ['a roll-over no timer can time', { ...OPTIONS, rollOverAfterMs: 2 ** 31 }, /rollOverAfterMs/],
  ['no credentialsUrl', { ...SOCKET, getToken: () => 't' }, /credentialsUrl/],
  ['no token source', { ...SOCKET, credentialsUrl: '/c' }, /getToken must be a function, or else tokenUrl/],
  ['two token sources', { ...OPTIONS, tokenUrl: '/t' }, /getToken must be a function, or else tokenUrl/],
  ['a token instead of a function', { ...SOCKET, credentialsUrl: '/c', getToken: 'eyJ' }, /function/],
  ['a device with a dot', { ...OPTIONS, device: 'a.b' }, /device/],
  ['a device of 39 characters', { ...OPTIONS, device: 'a'.repeat(39) }, /device/],
  ['an unknown option', { ...OPTIONS, credentialUrl: '/c' }, /unknown option credentialUrl/],
  ['a timeout of zero', { ...OPTIONS, attemptTimeoutMs: 0 }, /attemptTimeoutMs/]
]) {
  test(`${what} is a TypeError that says so`, () => {
    assert.throws(
      () => settingsFrom(options),
      (error) => error instanceof TypeError && message.test(error.message)
    )
  })
}

test('good options get the documented defaults', () => {
  const settings = settingsFrom(OPTIONS)
  assert.deepEqual(
    [settings.attemptTimeoutMs, settings.stableAfterMs, settings.device],
    [20_000, 10_000, null]
  )
  assert.deepEqual(
    [settings.mqttVersion, settings.sessionExpiryS, settings.rollOverAfterMs],
    ['5', 3_600, 23 * 3_600_000]
  )
})
