/** What is asked for, what the session has, and how a forbidden topic is found out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subscriptions } from '../../client/subscriptions.js'

const GRANT = Array.from({ length: 10 }, (_, index) => `ns/group/${index}`)

/** Take all of a grant, as a broker that gives all of it. */
function held(granted = GRANT) {
  const subscriptions = new Subscriptions()
  for (let some = subscriptions.next(granted); some.length > 0; some = subscriptions.next(granted))
    subscriptions.answered(some.map(() => true))
  return subscriptions
}

test('filters go out eight at a time until all are there', () => {
  const subscriptions = new Subscriptions()
  assert.deepEqual(subscriptions.next(GRANT), GRANT.slice(0, 8))
  assert.deepEqual(subscriptions.answered(Array(8).fill(true)), [])
  assert.deepEqual(subscriptions.next(GRANT), GRANT.slice(8))
})

test('a resumed session is not asked again, a new one is', () => {
  const subscriptions = held()
  subscriptions.begin(true)
  assert.deepEqual(subscriptions.next(GRANT), [])
  subscriptions.begin(false)
  assert.equal(subscriptions.next(GRANT).length, 8)
})

test('what is no longer granted is given back, once', () => {
  const subscriptions = held()
  assert.deepEqual(subscriptions.surplus(GRANT.slice(1)), [GRANT[0]])
  assert.deepEqual(subscriptions.surplus(GRANT.slice(1)), [])
})

test('a refused filter is named and never asked for again', () => {
  const subscriptions = new Subscriptions()
  const granted = GRANT.slice(0, 3)
  subscriptions.next(granted)
  assert.deepEqual(subscriptions.answered([true, false, true]), [granted[1]])
  assert.deepEqual(subscriptions.next(granted), [])
  subscriptions.begin(false)
  assert.deepEqual(subscriptions.next(granted), [granted[0], granted[2]])
  assert.equal(subscriptions.isHopeless(granted), false)
  assert.equal(subscriptions.isHopeless([granted[1]]), true)
})

test('silent closes narrow down to the one filter that was in flight twice', () => {
  const subscriptions = new Subscriptions()
  const granted = GRANT.slice(0, 3)
  const connect = (forbidden) => {
    subscriptions.begin(false)
    for (;;) {
      const some = subscriptions.next(granted)
      if (some.length === 0) return 'connected'
      if (some.includes(forbidden)) return subscriptions.lost()
      subscriptions.answered(some.map(() => true))
    }
  }
  assert.deepEqual(
    [1, 2, 3, 4].map(() => connect(granted[1])),
    [null, null, granted[1], 'connected']
  )
})

test('a close with nothing in flight suspects nothing', () => {
  const subscriptions = held()
  assert.equal(subscriptions.lost(), null)
  subscriptions.begin(false)
  assert.equal(subscriptions.next(GRANT).length, 8)
})

test('a reset forgets what is forbidden', () => {
  const subscriptions = new Subscriptions()
  subscriptions.next(['a'])
  subscriptions.answered([false])
  subscriptions.reset()
  assert.deepEqual(subscriptions.next(['a']), ['a'])
})
