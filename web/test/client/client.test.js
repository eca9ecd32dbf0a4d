/** The whole client over a fake browser: states, fresh credentials, errors, deliveries. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PushClient } from '../../client/index.js'
import {
  accept,
  broker,
  envelope,
  fakeEnvironment,
  FakeSocket,
  GRANT,
  latestSocket,
  settled
} from './fakes.js'

/** A client with a record of all it says. */
function client(env = fakeEnvironment(), options = {}) {
  let tokens = 0
  const push = new PushClient({
    credentialsUrl: '/credentials',
    getToken: () => `jwt-${(tokens += 1)}`,
    env,
    ...options
  })
  const heard = { states: [], errors: [], events: [], messages: [], gaps: [] }
  push.on('state', (it) => heard.states.push(`${it.state} (${it.reason})`))
  push.on('error', (it) => heard.errors.push(it.code))
  push.on('event', (it) => heard.events.push(it.id))
  push.on('message', (it) => heard.messages.push(it.text))
  push.on('gap', (it) => heard.gaps.push(it.until - it.since))
  return { push, heard, env, timers: env.timers }
}

async function connected(...args) {
  const it = client(...args)
  it.push.connect()
  await settled()
  await accept()
  return it
}

/** Let the backoff run out. */
const wait = (env) => env.timers.fireNext()

test('from idle to connected, subscribed to all that the grant lists', async () => {
  const { push, heard } = await connected()
  assert.deepEqual(heard.states, ['connecting (connect)', 'connected (subscribed)'])
  assert.deepEqual([push.state, push.clientId, push.namespace], ['connected', 'ns.42.phone', 'ns'])
  assert.deepEqual(push.topics, GRANT.subscribe)
  assert.equal(latestSocket().url, GRANT.url)
  assert.deepEqual(heard.errors, [])
})

test('every reconnect asks for a new token and new credentials', async () => {
  const { env } = await connected()
  latestSocket().die()
  wait(env)
  await settled()
  assert.deepEqual(
    env.fetch.calls.map((it) => it.init.headers.authorization),
    ['Bearer jwt-1', 'Bearer jwt-2']
  )
  assert.equal(FakeSocket.made.length, 2)
})

test('a lost connection waits with jitter, reconnects, and reports the gap', async () => {
  const { push, heard, env, timers } = await connected()
  const changes = []
  push.on('state', (it) => changes.push(it))
  latestSocket().die()
  assert.equal(push.state, 'waiting')
  assert.equal(changes[0].retryInMs, 500)
  assert.equal(changes[0].error.code, 'connection_lost')
  timers.advance(499)
  assert.equal(push.state, 'waiting')
  timers.advance(1)
  await settled()
  await accept()
  assert.deepEqual(heard.gaps, [500])
  assert.deepEqual(heard.errors, ['connection_lost'])
  assert.equal(env.fetch.calls.length, 2)
})

test('the same device goes with every request of a client', async () => {
  const { env } = await connected()
  latestSocket().die()
  wait(env)
  await settled()
  const [first, second] = env.fetch.calls.map((it) => JSON.parse(it.init.body).device)
  assert.equal(first, second)
  assert.match(first, /^[a-z0-9]{12}$/)
})

test('a stable connection forgets earlier failures', async () => {
  const { push, timers } = await connected()
  latestSocket().die()
  timers.advance(500)
  await settled()
  await accept()
  timers.advance(10_000)
  const changes = []
  push.on('state', (it) => changes.push(it.retryInMs))
  latestSocket().die()
  assert.equal(changes[0], 500)
})

test('an unreachable API is tried again ever later, and never given up', async () => {
  const { push, heard, timers } = client(fakeEnvironment(new TypeError('offline')))
  const pauses = []
  push.on('state', (it) => it.state === 'waiting' && pauses.push(it.retryInMs))
  push.connect()
  for (let turn = 0; turn < 7; turn += 1) {
    await settled()
    timers.fireNext()
  }
  assert.deepEqual(pauses, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
  assert.equal(new Set(heard.errors).size, 1)
})

for (const [what, status, body, code] of [
  ['token', 401, { reason: 'bad_signature' }, 'token_refused'],
  ['grant', 403, {}, 'grant_refused']
]) {
  test(`a refused ${what} ends the client at once`, async () => {
    const { push, heard, timers, env } = client(fakeEnvironment({ status, body }))
    push.connect()
    await settled()
    assert.equal(push.state, 'closed')
    assert.deepEqual(heard.errors, [code])
    timers.advance(1e6)
    assert.equal(env.fetch.calls.length, 1)
    assert.equal(timers.pending, 0)
  })
}

test('an expired token is replaced once', async () => {
  const expired = { status: 401, body: { reason: 'expired' } }
  const healed = client(fakeEnvironment(expired, {}))
  healed.push.connect()
  await settled()
  wait(healed.env)
  await settled()
  await accept()
  assert.equal(healed.push.state, 'connected')

  const stuck = client(fakeEnvironment(expired))
  stuck.push.connect()
  await settled()
  wait(stuck.env)
  await settled()
  assert.equal(stuck.push.state, 'closed')
})

test('a throttled client waits as long as it was told, also when the page comes back', async () => {
  const { push, env, timers } = client(
    fakeEnvironment({ status: 429, headers: { 'retry-after': '60' } })
  )
  push.connect()
  await settled()
  env.page.dispatchEvent(new Event('online'))
  timers.advance(59_999)
  await settled()
  assert.equal(env.fetch.calls.length, 1)
  timers.advance(1)
  await settled()
  assert.equal(env.fetch.calls.length, 2)
})

test('three silent closes while subscribing end it with the topics named', async () => {
  const { push, heard, env } = client()
  const failures = []
  push.on('error', (it) => failures.push(it))
  push.connect()
  for (let turn = 0; turn < 3; turn += 1) {
    if (turn > 0) wait(env)
    await settled()
    latestSocket().open()
    latestSocket().receive(broker.connack())
    latestSocket().die(1000)
  }
  assert.equal(push.state, 'closed')
  assert.deepEqual(heard.errors, ['connection_lost', 'connection_lost', 'subscribe_refused'])
  assert.deepEqual(failures.at(-1).topics, GRANT.subscribe)
})

test('a refused filter in SUBACK is final and named', async () => {
  const { push, heard } = client()
  push.connect()
  await settled()
  const socket = latestSocket()
  socket.open()
  socket.receive(broker.connack())
  socket.receive(broker.suback(1, 1, 0x80, 1, 1))
  await settled()
  assert.equal(push.state, 'closed')
  assert.deepEqual(heard.errors, ['subscribe_refused'])
})

for (const phase of ['token', 'handshake', 'CONNACK', 'SUBACK']) {
  test(`an attempt that hangs before its ${phase} is given up and tried again`, async () => {
    const options = phase === 'token' ? { getToken: () => new Promise(() => {}) } : {}
    const { push, heard, timers } = client(fakeEnvironment(), options)
    push.connect()
    await settled()
    if (phase === 'CONNACK' || phase === 'SUBACK') latestSocket().open()
    if (phase === 'SUBACK') latestSocket().receive(broker.connack())
    timers.advance(20_000)
    assert.equal(push.state, 'waiting')
    assert.deepEqual(heard.errors, ['timed_out'])
  })
}

test('an answer that comes after its attempt was given up changes nothing', async () => {
  let answer = () => {}
  const { push, timers } = client(fakeEnvironment(), {
    getToken: () => new Promise((resolve) => (answer = resolve))
  })
  push.connect()
  timers.advance(20_000)
  answer('late')
  await settled()
  assert.equal(push.state, 'waiting')
  assert.equal(FakeSocket.made.length, 0)
})

test('close ends everything, in every state, and connect starts anew', async () => {
  const { push, timers } = await connected()
  push.close()
  assert.equal(push.state, 'closed')
  assert.deepEqual(latestSocket().sentTypes.at(-1), 14)
  assert.equal(timers.pending, 0)
  push.connect()
  await settled()
  await accept()
  assert.equal(push.state, 'connected')
  latestSocket().die()
  push.close()
  assert.equal(timers.pending, 0)
})

test('coming back online cuts the wait short, coming back into view probes', async () => {
  const { push, env } = await connected()
  env.document.dispatchEvent(new Event('visibilitychange'))
  assert.equal(latestSocket().sentTypes.at(-1), 12)
  latestSocket().die()
  env.page.dispatchEvent(new Event('online'))
  assert.equal(push.state, 'connecting')
})

test('events and foreign payloads reach their listeners', async () => {
  const { heard } = await connected()
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', 'Hi!'))
  assert.deepEqual([heard.events, heard.messages], [['e1'], ['Hi!']])
})

test('an event redelivered, or sent to two addresses of one client, is told once', async () => {
  const { push, heard } = await connected()
  const everyone = []
  push.subscribe('everyone', (it) => everyone.push(it.id))
  for (const topic of ['ns/user/42', 'ns/user/42', 'ns/everyone', 'ns/everyone']) {
    latestSocket().receive(broker.publish(topic, envelope('e1')))
  }
  assert.deepEqual([heard.events, everyone], [['e1'], ['e1']])
})

test('a listener of an address hears that address alone, until undone', async () => {
  const { push } = await connected()
  const [user, orders] = [[], []]
  const undo = push.subscribe('user:42', (it) => user.push(it.id))
  push.subscribe('group:orders/*', (it) => orders.push(it.id))
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/group/orders/eu', envelope('e2')))
  undo()
  latestSocket().receive(broker.publish('ns/user/42', envelope('e3')))
  assert.deepEqual([user, orders], [['e1'], ['e2']])
})

test('listening outside the grant is an error and never reaches the broker', async () => {
  const { push, heard } = client()
  push.subscribe('group:payroll', () => {})
  push.connect()
  await settled()
  await accept()
  push.subscribe('user:7', () => {})
  assert.deepEqual(heard.errors, ['forbidden_address', 'forbidden_address'])
  assert.equal(push.state, 'connected')
  assert.deepEqual(latestSocket().sentTypes, [1, 8])
  assert.throws(() => push.subscribe('robot:7', () => {}), TypeError)
})

test('a listener may close and connect from within without confusing anybody', async () => {
  const { push, heard } = client()
  push.on('state', (it) => it.state === 'connected' && push.close())
  push.connect()
  await settled()
  await accept()
  assert.deepEqual(heard.states, [
    'connecting (connect)',
    'connected (subscribed)',
    'closed (close)'
  ])
})
