/** The whole client over a fake browser: states, fresh credentials, errors, deliveries. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PushClient } from '../../client/index.js'
import {
  accept,
  broker,
  brokerOf,
  envelope,
  fakeEnvironment,
  FakeSocket,
  GRANT,
  idOf,
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
  const heard = { states: [], errors: [], events: [], messages: [], resumed: [], lost: [] }
  push.on('state', (it) => heard.states.push(`${it.state} (${it.reason})`))
  push.on('error', (it) => heard.errors.push(it.code))
  push.on('event', (it) => heard.events.push(it.id))
  push.on('message', (it) => heard.messages.push(it.text))
  push.on('resumed', (it) => heard.resumed.push(it.until - it.since))
  push.on('sessionlost', (it) => heard.lost.push(it.until - it.since))
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

/** Until credentials of an hour are renewed, with the dice of the fakes. */
const RENEWAL_MS = 0.825 * 3_600_000

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

test('a lost connection waits with jitter, resumes its session, and tells the absence', async () => {
  const { push, heard, env, timers } = await connected()
  const changes = []
  push.on('state', (it) => changes.push(it))
  timers.advance(20_000)
  latestSocket().die()
  assert.equal(push.state, 'waiting')
  assert.equal(changes[0].retryInMs, 500)
  assert.equal(changes[0].error.code, 'connection_lost')
  timers.advance(499)
  assert.equal(push.state, 'waiting')
  timers.advance(1)
  await settled()
  await accept({ isResumed: true })
  // Since the broker was last heard: something may have been on its way ever since.
  assert.deepEqual([heard.resumed, heard.lost], [[20_500], []])
  assert.deepEqual(latestSocket().sentTypes, [1]) // the session has its subscriptions
  assert.deepEqual(heard.errors, ['connection_lost'])
  assert.equal(env.fetch.calls.length, 2)
})

test('a session that the broker did not keep is told, and its topics are asked for again', async () => {
  const { heard, timers } = await connected()
  latestSocket().die()
  timers.advance(1_000)
  await settled()
  await accept()
  assert.deepEqual([heard.resumed, heard.lost], [[], [1_000]])
  assert.deepEqual(latestSocket().sentTypes, [1, 8])
})

test('a reload tells whether the session of the page before was there', async () => {
  for (const isResumed of [true, false]) {
    const before = await connected()
    const { storage } = before.env
    before.env.page.dispatchEvent(new Event('pagehide'))
    assert.equal(before.push.state, 'waiting')
    const after = client({ ...fakeEnvironment(), storage })
    after.timers.advance(5_000)
    after.push.connect()
    await settled()
    await accept({ isResumed })
    assert.deepEqual(isResumed ? after.heard.resumed : after.heard.lost, [5_000])
    assert.equal(
      JSON.parse(after.env.fetch.calls[0].init.body).device,
      JSON.parse(before.env.fetch.calls[0].init.body).device
    )
  }
})

test('what close() ended is neither resumed nor missed', async () => {
  const { push, heard, timers } = await connected()
  timers.advance(1_000)
  push.close()
  assert.deepEqual([...latestSocket().sent.at(-1)].slice(0, 2), [0xe0, 7])
  push.connect()
  await settled()
  await accept()
  assert.equal(latestSocket().sent[0][9] & 2, 2) // clean start
  assert.deepEqual([heard.resumed, heard.lost], [[], []])
})

test('a page put away and shown within a second does not CONNECT too soon', async () => {
  const { push, heard, env, timers } = await connected()
  timers.advance(400)
  for (const name of ['pagehide', 'pageshow']) env.page.dispatchEvent(new Event(name))
  await settled()
  timers.advance(599)
  assert.equal(FakeSocket.made.length, 1)
  timers.advance(1)
  await settled()
  await accept({ isResumed: true })
  assert.deepEqual([push.state, heard.errors], ['connected', []])
})

test('a page put away lets go, and comes back at once when it is shown', async () => {
  const { push, heard, env, timers } = await connected()
  timers.advance(1_000)
  const first = latestSocket()
  env.page.dispatchEvent(new Event('pagehide'))
  assert.equal(first.readyState, 3)
  assert.deepEqual(heard.states.at(-1), 'waiting (sleep)')
  assert.equal(env.timers.pending, 0)
  env.page.dispatchEvent(new Event('pageshow'))
  await settled()
  await accept({ isResumed: true })
  assert.equal(push.state, 'connected')
  assert.equal(heard.resumed.length, 1)
})

test('credentials are renewed before they end, without touching the connection', async () => {
  const { push, heard, env, timers } = await connected()
  const socket = latestSocket()
  quiet(timers, RENEWAL_MS - 1_000)
  assert.equal(env.fetch.calls.length, 1)
  quiet(timers, 2_000)
  await settled()
  assert.equal(env.fetch.calls.length, 2)
  assert.equal(latestSocket(), socket)
  assert.equal(push.state, 'connected')
  assert.deepEqual(heard.states.length, 2)
  assert.deepEqual(heard.errors, [])
})

test('a renewal that fails is tried again, and the connection left alone', async () => {
  const { push, heard, env, timers } = await connected(fakeEnvironment({}, { status: 502 }, {}))
  quiet(timers, RENEWAL_MS)
  await settled()
  assert.deepEqual([push.state, heard.errors], ['connected', ['credentials_unavailable']])
  quiet(timers, 30_000)
  await settled()
  assert.equal(env.fetch.calls.length, 3)
  assert.equal(heard.errors.length, 1)
})

test('a token that is refused at a renewal ends the client', async () => {
  const refused = { status: 401, body: { reason: 'revoked' } }
  const { push, heard, timers } = await connected(fakeEnvironment({}, refused))
  quiet(timers, RENEWAL_MS)
  await settled()
  assert.equal(push.state, 'closed')
  assert.deepEqual(heard.errors, ['token_refused'])
})

test('a renewal with another grant rolls the connection over to it', async () => {
  const subscribe = ['ns/client/ns.42.phone', 'ns/group/new']
  const { push, heard, timers } = await connected(
    fakeEnvironment({}, { body: { ...GRANT, subscribe } })
  )
  const old = latestSocket()
  quiet(timers, RENEWAL_MS)
  await settled()
  assert.equal(old.readyState, 1)
  await accept({ isResumed: true })
  assert.equal(old.readyState, 3)
  assert.deepEqual(push.topics, subscribe)
  assert.deepEqual(latestSocket().sentTypes, [1, 10, 8])
  assert.deepEqual(heard.states.length, 2)
})

for (const order of ['new first', 'old first']) {
  test(`a connection too old is replaced without a change of state, ${order}`, async () => {
    const { push, heard, timers } = await connected(fakeEnvironment(), { rollOverAfterMs: 60_000 })
    const old = latestSocket()
    quiet(timers, 57_000)
    await settled()
    assert.notEqual(latestSocket(), old)
    old.receive(broker.publish('ns/user/42', envelope('e1'), 1))
    if (order === 'old first') old.receive(broker.disconnect(0x8e))
    await accept({ isResumed: true })
    latestSocket().receive(broker.publish('ns/user/42', envelope('e1'), 1))
    latestSocket().receive(broker.publish('ns/user/42', envelope('e2'), 2))
    assert.equal(old.onmessage, null)
    assert.deepEqual(heard.events, ['e1', 'e2'])
    assert.deepEqual([heard.errors, heard.resumed, heard.lost], [[], [], []])
    assert.equal(push.state, 'connected')
    assert.deepEqual(heard.states.length, 2)
    quiet(timers, 57_000)
    await settled()
    assert.equal(FakeSocket.made.length, 3)
  })
}

test('a roll-over that cannot be made leaves the old connection, and is tried again', async () => {
  const { push, heard, timers } = await connected(fakeEnvironment(), { rollOverAfterMs: 60_000 })
  const old = latestSocket()
  quiet(timers, 57_000)
  await settled()
  latestSocket().die()
  await settled()
  assert.deepEqual([push.state, heard.errors], ['connected', ['connection_refused']])
  old.receive(broker.publish('ns/user/42', envelope('e1'), 1))
  assert.deepEqual(heard.events, ['e1'])
  quiet(timers, 30_000)
  await settled()
  assert.equal(FakeSocket.made.length, 3)
  await accept({ isResumed: true })
  assert.equal(old.readyState, 3)
})

test('after a long sleep the clock is looked at, and not the timer alone', async () => {
  const { env, timers } = await connected()
  timers.now += 3_500_000 // timers stood still
  env.document.dispatchEvent(new Event('visibilitychange'))
  await settled()
  assert.equal(env.fetch.calls.length, 2)
})

test('held credentials are signed anew while the API cannot be reached, until they end', async () => {
  const env = { ...fakeEnvironment({}, { status: 503 }), subtle: crypto.subtle }
  const { push, heard, timers } = client(env)
  const made = async (count) => {
    for (let turn = 0; FakeSocket.made.length < count; turn += 1) {
      assert.ok(turn < 1_000)
      await settled()
    }
  }
  push.connect()
  await made(1)
  await accept()
  latestSocket().die()
  timers.advance(1_000)
  await made(2)
  const url = new URL(latestSocket().url)
  assert.match(url.searchParams.get('X-Amz-Signature'), /^[0-9a-f]{64}$/)
  assert.equal(url.searchParams.get('X-Amz-Date'), '20270115T080001Z')
  await accept({ isResumed: true })
  assert.deepEqual(heard.errors, ['connection_lost'])

  timers.now += 3_595_000
  latestSocket().die()
  timers.advance(1_000)
  await settled()
  assert.deepEqual(heard.errors.slice(1), ['connection_lost', 'credentials_unavailable'])
})

test('a wrong clock is told once, and the signature carries the server’s time', async () => {
  const date = 'Fri, 15 Jan 2027 08:20:00 GMT'
  const env = { ...fakeEnvironment({ headers: { date } }), subtle: crypto.subtle }
  const { push, heard } = client(env)
  push.connect()
  for (let turn = 0; FakeSocket.made.length < 1 && turn < 1_000; turn += 1) await settled()
  assert.match(latestSocket().url, /X-Amz-Date=20270115T082000Z/)
  assert.deepEqual(heard.errors, ['clock_skewed'])
})

for (const [what, code, error] of [
  ['taken over', 0x8e, 'taken_over'],
  ['kicked', 0x98, 'kicked']
]) {
  test(`a client that is ${what} stays away until it is told to connect`, async () => {
    const { push, heard, timers } = await connected()
    latestSocket().receive(broker.disconnect(code))
    assert.equal(push.state, 'closed')
    assert.deepEqual(heard.errors, [error])
    timers.advance(1e7)
    assert.equal(FakeSocket.made.length, 1)
    push.connect()
    assert.equal(push.state, 'connecting')
    push.close()
  })
}

test('a refused CONNECT is tried with new credentials, three times in all', async () => {
  const { push, heard, env } = client()
  const retries = []
  push.on('error', (it) => retries.push(it.retry))
  push.connect()
  for (let turn = 0; turn < 3; turn += 1) {
    if (turn > 0) wait(env)
    await settled()
    latestSocket().open()
    latestSocket().receive(broker.connack(0x87))
  }
  assert.equal(push.state, 'closed')
  assert.deepEqual(heard.errors, ['not_authorized', 'not_authorized', 'not_authorized'])
  assert.deepEqual(retries, [true, true, false]) // what is said is what is done
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

test('events and foreign payloads reach their listeners', async () => {
  const { heard } = await connected()
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', 'Hi!'))
  assert.deepEqual([heard.events, heard.messages], [['e1'], ['Hi!']])
})

test('what the gateway sends to this client by name needs no subscription to match', async () => {
  const { push, heard } = await connected(
    fakeEnvironment({ body: { ...GRANT, subscribe: ['ns/user/42', 'ns/everyone'] } })
  )
  const mine = []
  push.on('event', (it) => mine.push(it.address))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', envelope('e1'), 7))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', envelope('e1'), 8))
  assert.deepEqual([heard.events, mine], [['e1'], ['client:ns.42.phone']])
  assert.deepEqual(latestSocket().sentTypes.slice(-2), [4, 4]) // each acknowledged
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

test('publish sends an envelope where granted, and resolves with its id', async () => {
  const { push } = await connected(
    fakeEnvironment({ body: { ...GRANT, publish: ['ns/group/chat'] } })
  )
  const published = push.publish('group:chat', { text: 'Hello' }, { type: 'said', id: 'm1' })
  const sent = Buffer.from(latestSocket().sent.at(-1))
  assert.equal(sent[0], 0x32)
  assert.deepEqual(JSON.parse(sent.subarray(sent.indexOf('{')).toString()), {
    specversion: '1.0',
    id: 'm1',
    source: '/clients/ns.42.phone',
    type: 'said',
    time: '2027-01-15T08:00:00.000Z',
    data: { text: 'Hello' }
  })
  latestSocket().receive(broker.puback(2))
  assert.equal(await published, 'm1')
})

test('publish beyond the grant is refused before it is sent, and does no harm', async () => {
  const { push, heard } = await connected()
  await assert.rejects(push.publish('user:7', 1), { code: 'forbidden_address', address: 'user:7' })
  await assert.rejects(push.publish('robot:7', 1), TypeError)
  assert.deepEqual(latestSocket().sentTypes, [1, 8])
  assert.equal(heard.errors.length, 0)
  push.close()
  await assert.rejects(push.publish('user:7', 1), { reason: 'closed' })
})

test('iterations get events and what an address gets, and end with the client', async () => {
  const { push } = await connected()
  const read = async (iterable) => {
    const ids = []
    for await (const it of iterable) ids.push(it.id ?? it.text)
    return ids
  }
  const [all, orders] = [read(push), read(push.arrivals('group:orders/*'))]
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/group/orders/eu', envelope('e2')))
  latestSocket().receive(broker.publish('ns/group/orders/eu', 'raw'))
  push.close()
  assert.deepEqual(await Promise.all([all, orders]), [
    ['e1', 'e2'],
    ['e2', 'raw']
  ])
})

test('an iteration ends with the error that closed the client', async () => {
  const { push } = await connected()
  const read = (async () => {
    for await (const it of push) assert.fail(it.id)
  })()
  await null
  latestSocket().receive(broker.disconnect(0x98))
  await assert.rejects(read, { code: 'kicked' })
})

/** Let time pass with every ping answered. */
function quiet(timers, ms) {
  const socket = latestSocket()
  for (let left = ms; left > 0; left -= 5_000) {
    timers.advance(Math.min(left, 5_000))
    socket.receive(broker.pingresp())
  }
}
