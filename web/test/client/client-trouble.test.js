/** A client in trouble: unreachable, throttled, forbidden, hanging, and how it ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client, connected, wait } from './client-world.js'
import { accept, broker, brokerOf, fakeEnvironment, FakeSocket, GRANT, idOf, latestSocket, settled } from './fakes.js'

test('a stable connection forgets earlier failures', async () => {
  const { push, timers } = await connected()
  latestSocket().die()
  timers.advance(1_000)
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
  const retries = []
  stuck.push.on('error', (it) => retries.push(it.retry))
  stuck.push.connect()
  await settled()
  wait(stuck.env)
  await settled()
  assert.equal(stuck.push.state, 'closed')
  assert.deepEqual(retries, [true, false])
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

test('on 3.1.1 a forbidden topic is found out, named and left out', async () => {
  const from = brokerOf('3.1.1')
  const { push, heard, env } = client(fakeEnvironment(), { mqttVersion: '3.1.1' })
  const failures = []
  push.on('error', (it) => failures.push(it))
  push.connect()
  for (let turn = 0; push.state !== 'connected'; turn += 1) {
    assert.ok(turn < 5)
    if (turn > 0) wait(env)
    await settled()
    const socket = latestSocket()
    socket.open()
    socket.receive(from.connack())
    for (let sent = socket.sent.at(-1); sent[0] === 0x82; ) {
      const isForbidden = Buffer.from(sent).includes('ns/everyone')
      if (isForbidden) socket.die(1000)
      else socket.receive(from.suback(idOf(sent), ...GRANT.subscribe.map(() => 1)))
      if (isForbidden || sent === socket.sent.at(-1)) break
      sent = socket.sent.at(-1)
    }
  }
  assert.deepEqual(
    failures.filter((it) => it.code === 'forbidden_topic').map((it) => it.topic),
    ['ns/everyone']
  )
  assert.equal(FakeSocket.made.length, 4)
  assert.deepEqual(heard.states.at(-1), 'connected (subscribed)')
})

test('silent closes that name no topic end it, and are not repeated for ever', async () => {
  const { push, heard, env } = client()
  push.connect()
  for (let turn = 0; push.state !== 'closed'; turn += 1) {
    assert.ok(turn < 10)
    if (turn > 0) wait(env)
    await settled()
    latestSocket().open()
    latestSocket().receive(broker.connack())
    latestSocket().die(1000)
  }
  assert.equal(heard.errors.at(-1), 'subscribe_refused')
})

test('a filter refused in SUBACK is named, and the others go on', async () => {
  const { push, heard } = client()
  push.connect()
  await settled()
  const socket = latestSocket()
  socket.open()
  socket.receive(broker.connack())
  socket.receive(broker.suback(1, 1, 0x87, 1, 1))
  await settled()
  assert.equal(push.state, 'connected')
  assert.deepEqual(heard.errors, ['forbidden_topic'])
})

test('all filters refused is final', async () => {
  const { push, heard } = client()
  push.connect()
  await settled()
  const socket = latestSocket()
  socket.open()
  socket.receive(broker.connack())
  socket.receive(broker.suback(1, 0x87, 0x87, 0x87, 0x87))
  assert.equal(push.state, 'closed')
  assert.equal(heard.errors.at(-1), 'subscribe_refused')
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
  timers.advance(1_000)
  push.close()
  assert.equal(push.state, 'closed')
  assert.equal(latestSocket().sentTypes.at(-1), 14)
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
