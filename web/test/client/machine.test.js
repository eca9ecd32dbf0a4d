/** The table of machine.js, every pair of phase and happening, and the rules that count. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  INITIAL,
  LIMITS,
  STATE_OF,
  step
} from '../../client/machine.js'

const HAPPENINGS = (
  'connect close credentials opened subscribed failed lost excluded throttled denied ' +
  'token_expired refused taken_over elapsed wake offline sleep due renewed postponed'
).split(' ')

// phase: happening → next phase: actions. What is not listed changes nothing.
const RETRY = 'waiting: drop backoff'
const ORDERED = 'ordered: drop backoff'
const END = 'closed: drop rest'
const LEAVE = 'closed: leave rest'
const FETCH = 'fetching: drop fetch'
const ASLEEP = 'asleep: drop'
const ATTEMPT = {
  close: LEAVE,
  failed: RETRY,
  lost: RETRY,
  excluded: RETRY,
  throttled: ORDERED,
  denied: RETRY,
  token_expired: RETRY,
  refused: END,
  taken_over: END,
  sleep: ASLEEP
}
const EXPECTED = {
  idle: { connect: 'fetching: fetch', close: 'closed:' },
  fetching: { ...ATTEMPT, credentials: 'opening: open' },
  opening: { ...ATTEMPT, opened: 'subscribing: subscribe' },
  subscribing: { ...ATTEMPT, subscribed: 'connected: settle' },
  connected: {
    ...ATTEMPT,
    wake: 'connected: probe',
    offline: 'connected: probe',
    due: 'renewing: renew'
  },
  renewing: {
    ...ATTEMPT,
    wake: 'renewing: probe',
    offline: 'renewing: probe',
    renewed: 'connected: adopt',
    credentials: 'rolling: open',
    postponed: 'connected: unroll',
    token_expired: 'connected: unroll'
  },
  rolling: {
    ...ATTEMPT,
    wake: 'rolling: probe',
    offline: 'rolling: probe',
    opened: 'replacing: retire subscribe',
    taken_over: 'replacing:',
    lost: 'replacing:',
    postponed: 'connected: unroll'
  },
  replacing: {
    ...ATTEMPT,
    opened: 'replacing: retire subscribe',
    subscribed: 'connected: settle'
  },
  waiting: { close: LEAVE, connect: FETCH, elapsed: FETCH, wake: FETCH, sleep: ASLEEP },
  ordered: { close: LEAVE, connect: FETCH, elapsed: FETCH, sleep: ASLEEP },
  asleep: { close: LEAVE, connect: FETCH, wake: FETCH },
  closed: { connect: 'fetching: fetch' }
}

for (const phase of Object.keys(STATE_OF)) {
  for (const happening of HAPPENINGS) {
    const expected = EXPECTED[phase][happening]
    test(`${phase} × ${happening} → ${expected ?? 'nothing'}`, () => {
      const { machine, actions, moved } = step({ ...INITIAL, phase }, happening)
      assert.equal(moved, expected !== undefined)
      assert.equal(`${machine.phase}: ${actions.join(' ')}`.trim(), expected ?? `${phase}:`)
    })
  }
}

/** @param {string} path */
const run = (path, machine = INITIAL) =>
  path.split(' ').reduce((now, it) => step(now, it).machine, machine)

const CONNECTED = run('connect credentials opened subscribed')

test('failures add up over attempts and are forgotten only once a connection proved stable', () => {
  const twice = run('connect failed elapsed failed')
  assert.equal(twice.failures, 2)
  const connected = run('elapsed credentials opened subscribed', twice)
  assert.equal(connected.failures, 2)
  assert.equal(step(connected, 'lost', true).machine.failures, 1)
  assert.equal(step(connected, 'due', true).machine.failures, 0)
})

test('a broker that accepts and drops is backed off from ever further', () => {
  let machine = run('connect')
  for (const failures of [1, 2, 3, 4]) {
    machine = run('credentials opened subscribed lost', machine)
    assert.equal(machine.failures, failures)
    machine = run('elapsed', machine)
  }
})

test('the third silent close in a row while subscribing is final', () => {
  let machine = run('connect')
  for (let loss = 1; loss < LIMITS.lost; loss += 1) {
    machine = run('credentials opened lost elapsed', machine)
    assert.equal(machine.phase, 'fetching')
  }
  assert.equal(run('credentials opened lost', machine).phase, 'closed')
})

test('a forbidden topic that was found out makes silent closes start from one again', () => {
  let machine = run('connect credentials opened lost elapsed credentials opened lost elapsed')
  machine = run('credentials opened excluded elapsed', machine)
  assert.equal(run('credentials opened lost', machine).phase, 'waiting')
})

test('a success in between makes silent closes start from one again', () => {
  let machine = run('connect credentials opened lost elapsed credentials opened lost elapsed')
  machine = run('credentials opened subscribed lost elapsed', machine)
  assert.equal(run('credentials opened lost', machine).phase, 'waiting')
})

test('timeouts while subscribing are never taken for a refusal', () => {
  let machine = run('connect')
  for (let turn = 0; turn < 5; turn += 1)
    machine = run('credentials opened failed elapsed', machine)
  assert.equal(machine.phase, 'fetching')
})

test('CONNECT refused again and again with new credentials is final', () => {
  let machine = run('connect')
  for (let turn = 1; turn < LIMITS.denied; turn += 1)
    machine = run('credentials denied elapsed', machine)
  assert.equal(machine.phase, 'fetching')
  assert.equal(run('credentials denied', machine).phase, 'closed')
})

test('an expired token is asked for anew once; the second refusal in a row is final', () => {
  const once = run('connect token_expired')
  assert.equal(once.phase, 'waiting')
  assert.equal(run('elapsed token_expired', once).phase, 'closed')
  const again = run('elapsed credentials opened subscribed lost elapsed token_expired', once)
  assert.equal(again.phase, 'waiting')
})

test('a renewal with an expired token leaves the connection alone once, not twice', () => {
  const once = run('due token_expired', CONNECTED)
  assert.equal(once.phase, 'connected')
  assert.equal(run('due token_expired', once).phase, 'closed')
  assert.equal(run('due renewed due token_expired', once).phase, 'connected')
})

test('a roll-over is connected throughout, whichever connection is heard of first', () => {
  for (const order of ['opened', 'taken_over opened', 'lost opened']) {
    let machine = CONNECTED
    for (const happening of `due credentials ${order} subscribed`.split(' ')) {
      machine = step(machine, happening).machine
      assert.equal(STATE_OF[machine.phase], 'connected')
    }
    assert.equal(machine.phase, 'connected')
  }
})

test('a wait ordered by the server is not cut short by waking up', () => {
  const ordered = run('connect throttled')
  assert.equal(run('wake', ordered).phase, 'ordered')
  assert.equal(run('elapsed', ordered).phase, 'fetching')
  assert.equal(run('elapsed failed wake', ordered).phase, 'fetching')
})

test('connecting again after the end starts with clean counters', () => {
  const ended = run('connect failed elapsed failed elapsed refused')
  assert.deepEqual({ ...run('connect', ended) }, { ...INITIAL, phase: 'fetching' })
})

test('every sequence of eight happenings ends in a phase the table knows, frozen', () => {
  let seed = 7
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  for (let round = 0; round < 5_000; round += 1) {
    let machine = INITIAL
    for (let turn = 0; turn < 8; turn += 1) {
      machine = step(machine, HAPPENINGS[Math.floor(random() * HAPPENINGS.length)]).machine
      assert.ok(machine.phase in STATE_OF)
    }
    assert.ok(Object.isFrozen(machine))
  }
})
